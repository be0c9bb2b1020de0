//! A picture with logarithmic axes, because what is drawn are ratios.

use std::fmt::Write;

/// Our own allocator's colour.
pub const OWN_COLOUR: &str = "#c0392b";
/// The peers' colours, for as many as there are.
pub const COLOURS: [&str; 10] =
    ["#34495e", "#2980b9", "#27ae60", "#8e44ad", "#d35400", "#16a085", "#7f8c8d", "#b7950b", "#6e2c00", "#5d6d7e"];

/// A range of values and the pixels it is drawn over.
pub struct Axis {
    low: f64,
    high: f64,
    /// The pixel of the lowest value.
    pub from: f64,
    /// The pixel of the highest value.
    pub to: f64,
}

impl Axis {
    /// An axis for all of `values`, and a little more.
    pub fn new(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min) / 1.1;
        Self { low, high: values.fold(0.0, f64::max) * 1.1, from, to }
    }

    /// The pixel of a value.
    pub fn place(&self, value: f64) -> f64 {
        let part = (value / self.low).ln() / (self.high / self.low).ln();
        self.from + part * (self.to - self.from)
    }

    /// Those of `values` that are on the axis.
    pub fn marks(&self, values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = f64> {
        values.into_iter().filter(|&value| value >= self.low && value <= self.high)
    }
}

/// An SVG in the making.
pub struct Picture(String);

impl Picture {
    /// An empty one.
    pub fn new(width: f64, height: f64) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
        ))
    }

    fn draw(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{element}").expect("writing to a string");
    }

    /// A text at a point: `anchor` is start, middle or end.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: &str, colour: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.draw(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>"
        ));
    }

    /// A text that is read upwards, centred at a point.
    pub fn upright_text(&mut self, (x, y): (f64, f64), text: &str) {
        self.draw(format_args!(
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" text-anchor=\"middle\">{text}</text>"
        ));
    }

    /// A dot.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        self.draw(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"/>"));
    }

    /// A line through points.
    pub fn line(&mut self, points: &[(f64, f64)], width: f64, colour: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let points = points.join(" ");
        self.draw(format_args!(
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
        ));
    }

    /// Grey lines with numbers for values to the right and upwards.
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

    /// The file's contents.
    pub fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}
