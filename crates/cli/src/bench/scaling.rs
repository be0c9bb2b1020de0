//! Time per operation as the work grows, as `xalloc-workloads scaling` measures it.

use super::allocators::OWN;
use super::grid::grid;
use super::numbers;
use crate::catalogue::candidate::Candidate;
use crate::measure::machine::Machine;
use crate::measure::statistics::Spread;
use crate::output::counted;
use crate::report::files::write;
use crate::report::markdown::render_table;
use crate::report::svg::{Axis, COLOURS, OWN_COLOUR, Picture};
use anyhow::{Context, Result};
use indicatif::ProgressBar;
use std::path::Path;

const WIDTH: f64 = 860.0;
const PANEL: f64 = 380.0;
const MARGIN: f64 = 64.0;
/// The width of the space for the names at the ends of the lines.
const NAMES: f64 = 150.0;
/// The least distance at which names can be read.
const NAME_HEIGHT: f64 = 14.0;

/// One series: the thing that grows, its values, and for each allocator the median nanoseconds at each value.
struct Series {
    name: String,
    counts: Vec<u64>,
    nanoseconds: Vec<Vec<f64>>,
}

/// Measures every point under all allocators in turn, `runs` times. Prints the medians, and writes them to the files that were
/// asked for.
pub fn run(runner: &Path, allocators: &[Candidate], runs: u32, md: Option<&Path>, svg: Option<&Path>) -> Result<()> {
    let mut all: Vec<Series> = Vec::new();
    for (name, count) in numbers::list(runner, "scaling")? {
        let count = count.parse().with_context(|| format!("'{count}' is no count"))?;
        if all.last().is_none_or(|series| series.name != name) {
            all.push(Series { name, counts: Vec::new(), nanoseconds: vec![Vec::new(); allocators.len()] });
        }
        all.last_mut().expect("pushed above").counts.push(count);
    }
    let points: usize = all.iter().map(|series| series.counts.len()).sum();
    let progress = ProgressBar::new(points as u64 * u64::from(runs) * allocators.len() as u64);
    for series in &mut all {
        for count in series.counts.clone() {
            series.measure(runner, allocators, runs, count, &progress)?;
        }
    }
    progress.finish_and_clear();
    let names: Vec<&str> = allocators.iter().map(|allocator| allocator.name.as_str()).collect();
    let about = format!("{}; nanoseconds per operation, medians of {}", Machine::here(), counted(runs.into(), "run"));
    println!("{about}");
    let mut text = format!("{about}.\n");
    for series in &all {
        let (header, rows) = series.rows(&names);
        println!("{}", grid(&header, &rows));
        text.push('\n');
        render_table(&mut text, &header, &rows);
    }
    [write(md, || Ok(text)), write(svg, || Ok(draw(&all, &names)))].into_iter().collect()
}

impl Series {
    fn measure(
        &mut self,
        runner: &Path,
        allocators: &[Candidate],
        runs: u32,
        count: u64,
        progress: &ProgressBar,
    ) -> Result<()> {
        let mut all = vec![Vec::new(); allocators.len()];
        let point = [&*self.name, &count.to_string()].map(str::to_owned);
        for _ in 0..runs {
            for (allocator, values) in allocators.iter().zip(&mut all) {
                progress.inc(1);
                let notes = numbers::ask(runner, &["scaling", &point[0], &point[1]], allocator)?;
                values.extend(notes.into_iter().map(|(_, value)| value));
            }
        }
        for (medians, values) in self.nanoseconds.iter_mut().zip(all) {
            medians.push(Spread::of(values.into_iter()).median);
        }
        Ok(())
    }

    fn rows(&self, names: &[&str]) -> (Vec<String>, Vec<Vec<String>>) {
        let header = std::iter::once(&*self.name).chain(names.iter().copied()).map(str::to_owned).collect();
        let row = |(index, count): (usize, &u64)| {
            let values = self.nanoseconds.iter().map(|medians| format!("{:.1}", medians[index]));
            std::iter::once(count.to_string()).chain(values).collect()
        };
        (header, self.counts.iter().enumerate().map(row).collect())
    }
}

/// Returns an SVG with a panel for each series, one below the other.
fn draw(all: &[Series], names: &[&str]) -> String {
    let mut picture = Picture::new(WIDTH, PANEL * all.len() as f64);
    for (index, series) in all.iter().enumerate() {
        series.draw(&mut picture, PANEL * index as f64, names);
    }
    picture.finish()
}

impl Series {
    fn draw(&self, picture: &mut Picture, top: f64, names: &[&str]) {
        let counts = || self.counts.iter().map(|&count| count as f64);
        let across = Axis::new(counts(), MARGIN, WIDTH - NAMES);
        let up = Axis::new(self.nanoseconds.iter().flatten().copied(), top + PANEL - MARGIN, top + MARGIN / 2.0);
        let decades = (-1..6).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10f64.powi(power)));
        let across_marks: Vec<f64> = counts().collect();
        let up_marks: Vec<f64> = up.marks(decades).collect();
        picture.grid((&across, &across_marks), (&up, &up_marks), |mark| mark.to_string());
        let bottom = top + PANEL - 16.0;
        picture.text(((across.from + across.to) / 2.0, bottom), "middle", "black", &self.name);
        picture.upright_text((18.0, top + PANEL / 2.0), "ns per operation");
        let mut ends = Vec::new();
        for (index, (name, medians)) in names.iter().zip(&self.nanoseconds).enumerate() {
            let (colour, width) = if *name == OWN { (OWN_COLOUR, 3.0) } else { (COLOURS[index % COLOURS.len()], 1.5) };
            let points: Vec<_> =
                counts().zip(medians).map(|(count, &time)| (across.place(count), up.place(time))).collect();
            picture.line(&points, width, colour);
            if let Some(&(x, y)) = points.last() {
                ends.push((y, x, *name, colour));
            }
        }
        name_lines(picture, ends);
    }
}

/// Writes each name beside its line's end, one below the other where the ends are close together.
fn name_lines(picture: &mut Picture, mut ends: Vec<(f64, f64, &str, &str)>) {
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = f64::NEG_INFINITY;
    for (y, x, name, colour) in ends {
        let y = y.max(free);
        picture.text((x + 8.0, y + 4.0), "start", colour, name);
        free = y + NAME_HEIGHT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_a_line_for_each_allocator() {
        let series = Series {
            name: "threads".into(),
            counts: vec![1, 2, 4],
            nanoseconds: vec![vec![10.0, 11.0, 12.0], vec![20.0, 40.0, 12.1]],
        };
        let (header, rows) = series.rows(&["xalloc", "system"]);
        assert_eq!(header, ["threads", "xalloc", "system"]);
        assert_eq!(rows[1], ["2", "11.0", "40.0"]);
        let svg = draw(&[series], &["xalloc", "system"]);
        assert_eq!(svg.matches("stroke-width=\"3\"").count(), 1);
        assert!(svg.contains(">xalloc<") && svg.contains(">system<") && svg.contains(">4<"));
    }
}
