//! The picture of the spread of each candidate's runs: a line of dots for each, one below the other.

use super::figure::Figure;
use super::report::Report;
use super::scatter::{colours, described, heading, number, values};
use crate::measure::statistics::Summary;
use crate::report::labels::width;
use crate::report::svg::{Axis, Picture};

const WIDTH: f64 = 760.0;
/// The height of a candidate's line.
const LINE: f64 = 30.0;
/// The height of the axis.
const FOOT: f64 = 48.0;
const EDGE: f64 = 16.0;

/// Returns the picture as SVG.
pub fn render(report: &Report, figure: Figure) -> String {
    let lines: Vec<_> = (report.rows.iter().zip(colours(report)))
        .map(|(row, colour)| (row, colour, values(report, row, figure)))
        .filter(|(_, _, values)| !values.is_empty())
        .collect();
    let height = lines.len() as f64 * LINE + FOOT + EDGE;
    let mut picture = Picture::for_both_themes(WIDTH, height);
    if lines.is_empty() {
        return picture.finish();
    }
    let left = lines.iter().map(|(row, _, _)| width(&row.name)).fold(0.0, f64::max) + 2.0 * EDGE;
    let axis = Axis::new(lines.iter().flat_map(|(_, _, values)| values).copied(), left, WIDTH - EDGE);
    let foot = Axis::new([1.0].into_iter(), height - FOOT, EDGE / 2.0);
    picture.grid((&axis, &axis.round_marks(7)), (&foot, &[]), number);
    picture.text(((left + WIDTH) / 2.0, height - 10.0), "middle", "black", &heading(report, figure));
    for (index, (row, colour, values)) in lines.iter().enumerate() {
        let y = EDGE / 2.0 + (index as f64 + 0.5) * LINE;
        picture.text((left - EDGE, y + 4.0), "end", colour, &row.name);
        if let Some(Summary { mean, deviation, .. }) = Summary::of(values) {
            let deviation = deviation.unwrap_or(0.0);
            let [low, high] = [mean - deviation, mean + deviation].map(|end| axis.place(axis.clamp(end)));
            picture.line(&[(low, y), (high, y)], 2.0, colour);
            picture.line(&[(axis.place(mean), y - 9.0), (axis.place(mean), y + 9.0)], 2.5, colour);
        }
        for (run, &value) in values.iter().enumerate() {
            // Dots are moved apart, because equal values would hide each other.
            let aside = [-4.0, 0.0, 4.0][run % 3];
            let title = format!("{}, run {}: {}", row.name, run + 1, described(report, figure, value));
            picture.faint_dot((axis.place(value), y + aside), 3.5, colour, &title);
        }
    }
    picture.finish()
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::mixed;
    use super::*;

    #[test]
    fn has_a_dot_for_each_run() {
        let svg = render(&mixed(), Figure::Time);
        assert_eq!(svg.matches("<circle").count(), 12);
        assert!(svg.contains(">same</text>") && !svg.contains("NaN"), "{svg}");
    }
}
