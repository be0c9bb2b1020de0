//! Call sites, with what was allocated there itself and by what they call.

use crate::report::{Frame, Location, NamedStack, Report};
use crate::{Counts, Figure};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// What makes two frames the same row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The function and its file.
    Function,
    /// The line.
    Line,
    /// The library.
    Library,
}

/// A call site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The function; by library, that.
    pub name: Rc<str>,
    /// The line, or the line with the most of it; empty if none is known.
    pub place: String,
    /// The library.
    pub library: Rc<str>,
    /// What was allocated there itself.
    pub own: Counts,
    /// What was allocated there and in what it calls. Recursion counts once.
    pub cumulative: Counts,
}

/// What rows are told apart by.
type Key = (Rc<str>, String, Rc<str>);

/// Returns the rows, the one with the most of `figure` first, itself and then cumulative; in a difference the largest changes.
pub fn rows(report: &Report, by: By, figure: Figure) -> Vec<Row> {
    let mut rows: HashMap<Key, Sum> = HashMap::new();
    for stack in &report.stacks {
        let mut seen = HashSet::new();
        for (at, (location, frame)) in stack.frames().enumerate() {
            let key = key(location, frame, by);
            let sum = rows.entry(key.clone()).or_default();
            if at == 0 {
                sum.own = sum.own.plus(stack.counts);
            }
            if seen.insert(key) {
                sum.cumulative = sum.cumulative.plus(stack.counts);
                if by == By::Function {
                    let there = sum.places.entry(frame.place()).or_default();
                    *there = there.saturating_add(figure.of(stack.counts));
                }
            }
        }
    }
    let mut rows: Vec<Row> = rows.into_iter().map(|(key, sum)| sum.row(key)).collect();
    let rank = |row: &Row| [row.own, row.cumulative].map(|counts| figure.of(counts).unsigned_abs());
    rows.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| (&a.name, &a.place).cmp(&(&b.name, &b.place))));
    rows
}

/// Returns the stacks, the one with the most of `figure` first.
pub fn stacks(report: &Report, figure: Figure) -> Vec<&NamedStack> {
    let mut stacks: Vec<&NamedStack> = report.stacks.iter().collect();
    stacks.sort_by_key(|stack| std::cmp::Reverse(figure.of(stack.counts).unsigned_abs()));
    stacks
}

fn key(location: &Location, frame: &Frame, by: By) -> Key {
    let library = &location.library;
    match by {
        By::Function => (Rc::clone(&frame.function), String::new(), Rc::clone(library)),
        By::Line => (Rc::clone(&frame.function), frame.place(), Rc::clone(library)),
        By::Library => (Rc::clone(library), String::new(), Rc::clone(library)),
    }
}

#[derive(Default)]
struct Sum {
    own: Counts,
    cumulative: Counts,
    /// The lines of a function, and what was allocated there.
    places: HashMap<String, i64>,
}

impl Sum {
    fn row(self, (name, place, library): Key) -> Row {
        let Self { own, cumulative, places } = self;
        let most = places.into_iter().max_by_key(|(place, amount)| (amount.unsigned_abs(), place.clone()));
        Row { name, place: most.map_or(place, |(place, _)| place), library, own, cumulative }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(stacks: &[(&[(&str, u32)], i64)]) -> Report {
        let location = |&(name, line): &(&str, u32)| {
            let frames = vec![Frame::named(name, Some("a.c"), Some(line))];
            Rc::new(Location { address: 0, mapping: None, library: "a".into(), frames })
        };
        let stack = |&(frames, live_bytes): &(&[(&str, u32)], i64)| NamedStack {
            locations: frames.iter().map(location).collect(),
            counts: Counts { live_bytes, live_objects: 1, ..Counts::default() },
        };
        Report { stacks: stacks.iter().map(stack).collect(), ..Report::default() }
    }

    fn shown(report: &Report, by: By) -> Vec<String> {
        let rows = rows(report, by, Figure::LiveBytes);
        let show =
            |row: &Row| format!("{} {} {} {}", row.name, row.place, row.own.live_bytes, row.cumulative.live_bytes);
        rows.iter().map(show).collect()
    }

    #[test]
    fn recursion_counts_once() {
        let report = report(&[(&[("f", 1), ("f", 2), ("main", 9)], 10), (&[("g", 5), ("main", 9)], 4)]);
        assert_eq!(shown(&report, By::Function), ["f a.c:1 10 10", "g a.c:5 4 4", "main a.c:9 0 14"]);
        let lines = ["f a.c:1 10 10", "g a.c:5 4 4", "main a.c:9 0 14", "f a.c:2 0 10"];
        assert_eq!(shown(&report, By::Line), lines);
        assert_eq!(shown(&report, By::Library), ["a  14 14"]);
    }

    #[test]
    fn a_difference_has_the_largest_changes_first() {
        let mut now = report(&[(&[("f", 1)], 10), (&[("g", 5)], 4), (&[("same", 1)], 1)]);
        now.subtract(report(&[(&[("g", 5)], 104), (&[("gone", 3)], 2), (&[("same", 1)], 1)]));
        assert_eq!(shown(&now, By::Function), ["g a.c:5 -100 -100", "f a.c:1 10 10", "gone a.c:3 -2 -2"]);
    }
}
