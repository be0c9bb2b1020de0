//! Pictures with logarithmic axes, because they show ratios.

use std::fmt::Write;

/// Our own allocator's colour.
pub const OWN_COLOUR: &str = "#c0392b";
/// The colours of the peers.
pub const COLOURS: [&str; 12] = [
    "#34495e", "#2980b9", "#27ae60", "#8e44ad", "#d35400", "#16a085", "#7f8c8d", "#b7950b", "#6e2c00", "#5d6d7e",
    "#c2185b", "#00838f",
];

/// The colours of a picture, light and dark. A picture is drawn in the light ones; [`Picture::for_both_themes`] has a style
/// that replaces them where a reader's screen is dark.
const DARK: [(&str, &str); 17] = [
    ("white", "#15181c"),
    ("black", "#e4e7ea"),
    ("#777", "#98a1ab"),
    ("#ddd", "#2c3238"),
    (OWN_COLOUR, "#ff7b6b"),
    ("#34495e", "#aebfd1"),
    ("#2980b9", "#5cb3ee"),
    ("#27ae60", "#4fd58a"),
    ("#8e44ad", "#c78ae3"),
    ("#d35400", "#ff9248"),
    ("#16a085", "#35d0b3"),
    ("#7f8c8d", "#a9b5b6"),
    ("#b7950b", "#e6c53a"),
    ("#6e2c00", "#d99a6c"),
    ("#5d6d7e", "#93a5b8"),
    ("#c2185b", "#ff7fae"),
    ("#00838f", "#4fd3e0"),
];

/// A range of values, and the pixels over which it is drawn.
pub struct Axis {
    low: f64,
    high: f64,
    /// The pixel of the lowest value.
    pub from: f64,
    /// The pixel of the highest value.
    pub to: f64,
}

impl Axis {
    /// Returns an axis for all of `values`, and a little more.
    pub fn new(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min) / 1.1;
        Self { low, high: values.fold(0.0, f64::max) * 1.1, from, to }
    }

    /// Returns the pixel of a value.
    pub fn place(&self, value: f64) -> f64 {
        let part = (value / self.low).ln() / (self.high / self.low).ln();
        self.from + part * (self.to - self.from)
    }

    /// Returns the value of the axis that is nearest to `value`.
    pub fn clamp(&self, value: f64) -> f64 {
        value.clamp(self.low, self.high)
    }

    /// Returns about `count` round numbers that are on the axis: evenly spaced, or 1, 2, 5, 10, … where it is long.
    pub fn round_marks(&self, count: usize) -> Vec<f64> {
        if self.high / self.low > 8.0 {
            let powers = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            return self.marks(powers.flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10f64.powi(power)))).collect();
        }
        let rough = (self.high - self.low) / count as f64;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|&step| step >= rough);
        let step = step.unwrap_or(10.0 * power);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|index| index as f64 * step).collect()
    }

    /// Returns those of `values` that are on the axis.
    pub fn marks(&self, values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = f64> {
        values.into_iter().filter(|&value| value >= self.low && value <= self.high)
    }
}

/// An SVG that is being drawn.
pub struct Picture(String);

impl Picture {
    /// Returns an empty picture.
    pub fn new(width: f64, height: f64) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
        ))
    }

    /// Returns an empty picture that is dark where the reader's screen is.
    pub fn for_both_themes(width: f64, height: f64) -> Self {
        let mut picture = Self::new(width, height);
        picture.0.push_str("<style>@media (prefers-color-scheme: dark) {");
        for (light, dark) in DARK {
            write!(
                picture.0,
                " svg [fill=\"{light}\"] {{ fill: {dark} }} svg [stroke=\"{light}\"] {{ stroke: {dark} }}"
            )
            .expect("writing to a string");
        }
        picture.0.push_str(" }</style>\n");
        picture
    }

    fn draw(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{element}").expect("writing to a string");
    }

    /// Draws a text at a point: `anchor` is start, middle or end.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: &str, colour: &str, text: &str) {
        let text = escaped(text);
        self.draw(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>"
        ));
    }

    /// Draws a text on a background of its own, for places where something is behind it.
    pub fn halo_text(&mut self, (x, y): (f64, f64), anchor: &str, colour: &str, text: &str) {
        let text = escaped(text);
        self.draw(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\" stroke=\"white\" stroke-width=\"4\" \
             stroke-linejoin=\"round\" paint-order=\"stroke\">{text}</text>"
        ));
    }

    /// Draws a text that is read upwards, centred at a point.
    pub fn upright_text(&mut self, (x, y): (f64, f64), text: &str) {
        self.draw(format_args!(
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"black\">{text}</text>"
        ));
    }

    /// Draws a dot.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        self.draw(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"/>"));
    }

    /// Draws a transparent dot with a title, which is shown when the mouse points at it.
    pub fn faint_dot(&mut self, (x, y): (f64, f64), radius: f64, colour: &str, title: &str) {
        self.draw(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\" fill-opacity=\"0.45\"><title>{}</title></circle>",
            escaped(title)
        ));
    }

    /// Draws a line through points.
    pub fn line(&mut self, points: &[(f64, f64)], width: f64, colour: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let points = points.join(" ");
        self.draw(format_args!(
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
        ));
    }

    /// Draws grey lines with numbers, for values on both axes.
    pub fn grid(
        &mut self,
        (across, marks): (&Axis, &[f64]),
        (up, up_marks): (&Axis, &[f64]),
        show: impl Fn(f64) -> String,
    ) {
        for &mark in marks {
            let x = across.place(mark);
            self.line(&[(x, up.from), (x, up.to)], 1.0, "#ddd");
            self.text((x, up.from + 18.0), "middle", "#777", &show(mark));
        }
        for &mark in up_marks {
            let y = up.place(mark);
            self.line(&[(across.from, y), (across.to, y)], 1.0, "#ddd");
            self.text((across.from - 8.0, y + 4.0), "end", "#777", &show(mark));
        }
    }

    /// Draws a dot with a rim before all others, with a title, which is shown when the mouse points at it.
    pub fn bold_dot(&mut self, (x, y): (f64, f64), radius: f64, colour: &str, title: &str) {
        self.draw(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\" stroke=\"white\" stroke-width=\"1.5\"><title>{}</title></circle>",
            escaped(title)
        ));
    }

    /// Returns the file's contents.
    pub fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        let marks = |values: [f64; 2]| Axis::new(values.into_iter(), 0.0, 1.0).round_marks(5);
        assert_eq!(marks([100.0, 104.0]), [95.0, 100.0, 105.0, 110.0]);
        assert_eq!(marks([1.0, 100.0]), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        let small = marks([0.0021, 0.0023]);
        assert!((2..8).contains(&small.len()), "{small:?}");
    }

    #[test]
    fn every_colour_has_a_dark_one() {
        for colour in COLOURS.into_iter().chain([OWN_COLOUR]) {
            assert!(DARK.iter().any(|(light, _)| *light == colour), "{colour}");
        }
    }
}
