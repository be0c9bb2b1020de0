//! One picture: how fast and how lean each allocator is over all workloads.

use super::allocators::OWN;
use super::results::{Figure, Results};
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 480.0;
const MARGIN: f64 = 64.0;

/// A range of values and the pixels it is drawn over, logarithmically, because ratios are.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn new(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(1.0, f64::min) / 1.1;
        Self { low, high: values.fold(1.0, f64::max) * 1.1, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value / self.low).ln() / (self.high / self.low).ln();
        self.from + part * (self.to - self.from)
    }

    /// Round values to draw a line at.
    fn marks(&self) -> impl Iterator<Item = f64> {
        let all = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0];
        all.into_iter().filter(|&mark| mark >= self.low && mark <= self.high)
    }
}

/// An SVG: time to the right, memory upwards, both as geometric means of ratios; lower left is better.
pub fn render(results: &Results) -> String {
    let base = results.base();
    let means = |figure| (0..results.allocators.len()).map(move |index| results.mean_ratio(index, base, figure, None));
    let across = Axis::new(means(Figure::Time).collect::<Vec<_>>().into_iter(), MARGIN, WIDTH - MARGIN);
    let up = Axis::new(means(Figure::Memory).collect::<Vec<_>>().into_iter(), HEIGHT - MARGIN, MARGIN / 2.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    draw_marks(&mut svg, &across, &up);
    let name = escape(&results.allocators[base]);
    let (middle, bottom) = (WIDTH / 2.0, HEIGHT - 16.0);
    draw(&mut svg, &format!("<text x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\">time / {name}</text>"));
    draw(
        &mut svg,
        &format!(
            "<text transform=\"translate(18 {}) rotate(-90)\" text-anchor=\"middle\">memory / {name}</text>",
            HEIGHT / 2.0
        ),
    );
    for (index, allocator) in results.allocators.iter().enumerate() {
        let x = across.place(results.mean_ratio(index, base, Figure::Time, None));
        let y = up.place(results.mean_ratio(index, base, Figure::Memory, None));
        let colour = if allocator == OWN { "#c0392b" } else { "#34495e" };
        draw(&mut svg, &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"/>"));
        let (x, y) = (x + 8.0, y + 4.0);
        draw(&mut svg, &format!("<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", escape(allocator)));
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_marks(svg: &mut String, across: &Axis, up: &Axis) {
    let (left, right, top, bottom) = (MARGIN, WIDTH - MARGIN, MARGIN / 2.0, HEIGHT - MARGIN);
    for mark in across.marks() {
        let x = across.place(mark);
        draw(svg, &format!("<line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#ddd\"/>"));
        let below = bottom + 18.0;
        draw(svg, &format!("<text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\" fill=\"#777\">{mark}</text>"));
    }
    for mark in up.marks() {
        let y = up.place(mark);
        draw(svg, &format!("<line x1=\"{left}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>"));
        let (x, y) = (left - 8.0, y + 4.0);
        draw(svg, &format!("<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\" fill=\"#777\">{mark}</text>"));
    }
}

fn draw(svg: &mut String, element: &str) {
    writeln!(svg, "{element}").expect("writing to a string");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::example;

    #[test]
    fn draws_every_allocator_inside_the_picture() {
        let mut results = example();
        results.allocators[2] = "a<b".into();
        let svg = super::render(&results);
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains(">a&lt;b</text>"));
        for part in svg.split("cx=\"").skip(1) {
            let x: f64 = part.split('"').next().unwrap().parse().unwrap();
            assert!((super::MARGIN..super::WIDTH - super::MARGIN).contains(&x), "{x}");
        }
    }
}
