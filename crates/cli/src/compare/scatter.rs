//! The picture of time against memory: a small dot for each run, a large one for each candidate's means.

use super::entry::Entry;
use super::figure::Figure;
use super::report::Report;
use super::sample::Sample;
use crate::report::labels::{Area, place};
use crate::report::svg::{Axis, COLOURS, OWN_COLOUR, Picture};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
/// The margin for the numbers and names of the axes; the other sides have none.
const MARGIN: f64 = 64.0;
const EDGE: f64 = 16.0;

/// Returns the candidates' colours. Our own allocator has its own colour; the others have the same in all pictures of a
/// comparison.
pub fn colours(report: &Report) -> impl Iterator<Item = &'static str> {
    report.rows.iter().enumerate().map(|(index, row)| match row.name.as_str() {
        "xalloc" => OWN_COLOUR,
        _ => COLOURS[index % COLOURS.len()],
    })
}

/// Returns the values of a figure in all runs of a candidate, in the figure's unit.
pub fn values(report: &Report, row: &Entry, figure: Figure) -> Vec<f64> {
    if row.failure.is_some() {
        return Vec::new();
    }
    row.samples.iter().filter_map(|sample| value(report, sample, figure)).collect()
}

/// Returns a figure of a run in the figure's unit; `None` if a logarithmic axis has no place for it.
fn value(report: &Report, sample: &Sample, figure: Figure) -> Option<f64> {
    let unit = figure.unit(report.typical(figure));
    figure.of(sample).filter(|&value| value > 0.0).map(|value| value * unit.factor)
}

/// Returns speed and memory of the runs of a candidate.
fn pairs(report: &Report, row: &Entry) -> Vec<(f64, f64)> {
    let pair = |sample| Some((value(report, sample, report.speed())?, value(report, sample, Figure::Memory)?));
    if row.failure.is_some() { Vec::new() } else { row.samples.iter().filter_map(pair).collect() }
}

/// Returns the heading of a figure's axis.
pub fn heading(report: &Report, figure: Figure) -> String {
    figure.unit(report.typical(figure)).heading(report.name(figure))
}

/// Returns a value in the figure's unit, as shown when the mouse points at it.
pub fn described(report: &Report, figure: Figure, value: f64) -> String {
    let unit = figure.unit(report.typical(figure));
    format!("{} {}", unit.show(value / unit.factor), unit.name).trim_end().to_owned()
}

/// Returns a mark's number without superfluous zeros.
pub fn number(mark: f64) -> String {
    let text = format!("{mark:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns the picture as SVG.
pub fn render(report: &Report) -> String {
    let speed = report.speed();
    let mut picture = Picture::for_both_themes(WIDTH, HEIGHT);
    let runs: Vec<Vec<(f64, f64)>> = report.rows.iter().map(|row| pairs(report, row)).collect();
    let all = || runs.iter().flatten().copied();
    if all().next().is_none() {
        picture.text((WIDTH / 2.0, HEIGHT / 2.0), "middle", "#777", "no candidate has a run that counts");
        return picture.finish();
    }
    let across = Axis::new(all().map(|(x, _)| x), MARGIN, WIDTH - EDGE);
    let up = Axis::new(all().map(|(_, y)| y), HEIGHT - MARGIN, EDGE);
    picture.grid((&across, &across.round_marks(7)), (&up, &up.round_marks(6)), number);
    picture.text(((MARGIN + WIDTH) / 2.0, HEIGHT - 16.0), "middle", "black", &heading(report, speed));
    picture.upright_text((18.0, (HEIGHT - MARGIN) / 2.0), &heading(report, Figure::Memory));
    let corner = if speed.is_gain() { (WIDTH - EDGE - 6.0, "end") } else { (MARGIN + 6.0, "start") };
    let hint = if speed.is_gain() { "better ↘" } else { "↙ better" };
    picture.text((corner.0, HEIGHT - MARGIN - 8.0), corner.1, "#777", hint);
    draw_runs(&mut picture, report, &runs, (&across, &up));
    draw_means(&mut picture, report, &runs, (&across, &up));
    picture.finish()
}

fn described_pair(report: &Report, (x, y): (f64, f64)) -> String {
    format!("{}, {}", described(report, report.speed(), x), described(report, Figure::Memory, y))
}

fn draw_runs(picture: &mut Picture, report: &Report, runs: &[Vec<(f64, f64)>], (across, up): (&Axis, &Axis)) {
    for ((row, colour), runs) in report.rows.iter().zip(colours(report)).zip(runs) {
        for (index, &(x, y)) in runs.iter().enumerate() {
            let title = format!("{}, run {}: {}", row.name, index + 1, described_pair(report, (x, y)));
            picture.faint_dot((across.place(x), up.place(y)), 3.0, colour, &title);
        }
    }
}

fn draw_means(picture: &mut Picture, report: &Report, runs: &[Vec<(f64, f64)>], (across, up): (&Axis, &Axis)) {
    let mean = |values: &mut dyn Iterator<Item = f64>, count: usize| values.sum::<f64>() / count as f64;
    let named: Vec<_> = (report.rows.iter().zip(colours(report)).zip(runs))
        .filter(|(_, runs)| !runs.is_empty())
        .map(|((row, colour), runs)| {
            let x = mean(&mut runs.iter().map(|run| run.0), runs.len());
            let y = mean(&mut runs.iter().map(|run| run.1), runs.len());
            (((across.place(x), up.place(y)), row.name.as_str()), colour, (x, y))
        })
        .collect();
    let points: Vec<_> = named.iter().map(|&(point, _, _)| point).collect();
    let dots: Vec<_> = runs.iter().flatten().map(|&(x, y)| (across.place(x), up.place(y))).collect();
    let areas = place(&points, &dots, Area(MARGIN, EDGE, WIDTH - EDGE, HEIGHT - MARGIN));
    for (&((point, _), colour, _), area) in named.iter().zip(&areas) {
        let (x, y) = area.nearest(point);
        if (x - point.0).hypot(y - point.1) > 14.0 {
            picture.line(&[point, (x, y)], 0.8, colour);
        }
    }
    for (&((point, name), colour, (x, y)), area) in named.iter().zip(&areas) {
        let title = format!("{name}, mean: {}", described_pair(report, (x, y)));
        picture.bold_dot(point, 6.0, colour, &title);
        picture.halo_text(area.baseline(), "start", colour, name);
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{example, mixed};

    #[test]
    fn has_a_dot_for_each_run_and_each_mean_and_nothing_of_failures() {
        let svg = super::render(&mixed());
        assert_eq!(svg.matches("<circle").count(), 3 * 4 + 3);
        assert!(svg.contains(">quick</text>") && !svg.contains(">broken</text>"));
        assert!(!svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn says_so_when_there_is_nothing() {
        let svg = super::render(&example(&[("system", &[], &[])]));
        assert!(svg.contains("no candidate has a run"), "{svg}");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(super::number(0.25), "0.25");
        assert_eq!(super::number(100.0), "100");
    }
}
