//! A profile with names.

use crate::mapping::NO_FILE;
use crate::{Counts, Mapping, Profile, Stack};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// Why a library has no names, by its name.
pub type Problems = BTreeMap<Rc<str>, String>;

/// A profile whose addresses have names, and whose counts are estimates of what was really there.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many bytes there were on average from one sample to the next; 0 if every allocation was counted.
    pub interval: u64,
    /// The stacks.
    pub stacks: Vec<NamedStack>,
    /// What was mapped; of several profiles one after the other.
    pub mappings: Vec<Mapping>,
    /// The files that have no names.
    pub problems: Problems,
}

/// A stack, and what was allocated there.
#[derive(Clone, Debug)]
pub struct NamedStack {
    /// The addresses, that of the innermost function first.
    pub locations: Vec<Rc<Location>>,
    /// An estimate of what was allocated.
    pub counts: Counts,
}

/// An address, and what is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The address of the call, or of its last byte.
    pub address: u64,
    /// The number of the mapping in [`Report::mappings`].
    pub mapping: Option<usize>,
    /// The file's name without directories, or what stands in its place.
    pub library: Rc<str>,
    /// The functions, the innermost first: all but the last one are inlined. There is at least one.
    pub frames: Vec<Frame>,
}

/// A function, and where in it the call is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The function's name; if that is not known, where it is.
    pub function: Rc<str>,
    /// Whether it is a name.
    pub is_named: bool,
    /// The source file.
    pub file: Option<Rc<str>>,
    /// The line there.
    pub line: Option<u32>,
}

impl Frame {
    /// Returns a frame of a function with a name.
    pub fn named(function: &str, file: Option<&str>, line: Option<u32>) -> Self {
        Self {
            function: function.into(),
            is_named: true,
            file: file.map(Into::into),
            line: line.filter(|&line| line > 0),
        }
    }

    /// Returns a frame of which only the place is known.
    pub fn unnamed(place: &str) -> Self {
        Self { function: place.into(), is_named: false, file: None, line: None }
    }

    /// Returns `file:line`, or what is known of it; empty if nothing is.
    pub fn place(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file.to_string(),
            _ => String::new(),
        }
    }
}

impl NamedStack {
    /// Returns the functions with their addresses, the innermost first.
    pub fn frames(&self) -> impl DoubleEndedIterator<Item = (&Location, &Frame)> {
        self.locations.iter().flat_map(|location| location.frames.iter().map(|frame| (&**location, frame)))
    }
}

impl Report {
    /// Returns the sum of all stacks.
    pub fn total(&self) -> Counts {
        self.stacks.iter().fold(Counts::default(), |sum, stack| sum.plus(stack.counts))
    }

    /// Returns what has no name in the stacks, and why: a line each.
    pub fn notices(&self) -> Vec<String> {
        let mut nameless: BTreeMap<&Rc<str>, BTreeSet<u64>> = BTreeMap::new();
        let locations = self.stacks.iter().flat_map(|stack| &stack.locations);
        for location in locations.filter(|location| location.frames.iter().any(|frame| !frame.is_named)) {
            nameless.entry(&location.library).or_default().insert(location.address);
        }
        nameless.into_iter().map(|(library, addresses)| self.notice(library, addresses.len())).collect()
    }

    fn notice(&self, library: &str, count: usize) -> String {
        let addresses =
            if count == 1 { "1 address has no name".to_owned() } else { format!("{count} addresses have no name") };
        let why = match self.problems.get(library) {
            Some(why) => why,
            None if library == NO_FILE => {
                "code that is made at run time has its names in a file that the program writes (python3 -X perf, node \
                 --perf-basic-prof), which --perf-map reads"
            }
            None => "it has neither debug information nor a symbol there",
        };
        format!("{library}: {addresses}: {why}")
    }

    /// Returns the samples of `profile`, of which this report alone was made: with stacks that are trimmed if they are here, and
    /// with the build-ids of the files that were opened.
    pub fn samples(&self, profile: &Profile) -> Profile {
        let pairs = profile.stacks.iter().zip(&self.stacks);
        let stacks = pairs.map(|(stack, named)| {
            let trimmed = stack.addresses.len().saturating_sub(named.locations.len());
            Stack { addresses: stack.addresses[trimmed..].to_vec(), counts: stack.counts }
        });
        Profile { interval: profile.interval, stacks: stacks.collect(), mappings: self.mappings.clone() }
    }

    /// Adds another profile.
    pub fn add(&mut self, other: Self) {
        self.join(other, Counts::plus);
    }

    /// Subtracts another profile: what is left is what has grown, and negative where it has shrunk. Stacks are the same if their
    /// functions and lines are, because another process has other addresses.
    pub fn subtract(&mut self, base: Self) {
        self.join(base, Counts::minus);
        self.stacks.retain(|stack| stack.counts != Counts::default());
    }

    /// Takes over the other's stacks, with what `combine` makes of nothing and their counts, and makes one of those that are the
    /// same.
    fn join(&mut self, other: Self, combine: impl Fn(Counts, Counts) -> Counts) {
        let shift = self.mappings.len();
        self.mappings.extend(other.mappings);
        self.interval = self.interval.max(other.interval);
        self.problems.extend(other.problems);
        let mut moved: HashMap<*const Location, Rc<Location>> = HashMap::new();
        for stack in other.stacks {
            let locations = stack.locations.iter().map(|location| {
                let shifted =
                    || Rc::new(Location { mapping: location.mapping.map(|at| at + shift), ..(**location).clone() });
                Rc::clone(moved.entry(Rc::as_ptr(location)).or_insert_with(shifted))
            });
            let counts = combine(Counts::default(), stack.counts);
            self.stacks.push(NamedStack { locations: locations.collect(), counts });
        }
        self.merge();
    }

    /// Makes one stack of those with the same functions and lines.
    fn merge(&mut self) {
        let mut places: HashMap<Vec<(Rc<str>, Frame)>, usize> = HashMap::new();
        let mut merged: Vec<NamedStack> = Vec::new();
        for stack in std::mem::take(&mut self.stacks) {
            let key = stack.frames().map(|(location, frame)| (Rc::clone(&location.library), frame.clone())).collect();
            let at = *places.entry(key).or_insert(merged.len());
            match merged.get_mut(at) {
                Some(same) => same.counts = same.counts.plus(stack.counts),
                None => merged.push(stack),
            }
        }
        self.stacks = merged;
    }
}
