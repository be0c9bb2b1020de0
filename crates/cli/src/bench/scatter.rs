//! A picture of the time and the memory of each allocator over all workloads.

use super::allocators::OWN;
use super::results::{Figure, Results};
use crate::report::svg::{Axis, COLOURS, OWN_COLOUR, Picture};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 480.0;
const MARGIN: f64 = 64.0;
/// The ratios at which lines may be drawn.
const MARKS: [f64; 13] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0];

/// Returns an SVG with time on the horizontal and memory on the vertical axis, both as geometric means of ratios; lower left is
/// better.
pub fn render(results: &Results) -> String {
    let base = results.base();
    let means = |figure| -> Vec<f64> {
        (0..results.allocators.len()).map(|index| results.mean_ratio(index, base, figure, None)).collect()
    };
    let (times, memories) = (means(Figure::Time), means(Figure::Memory));
    let across = Axis::new(times.iter().copied(), MARGIN, WIDTH - MARGIN);
    let up = Axis::new(memories.iter().copied(), HEIGHT - MARGIN, MARGIN / 2.0);
    let mut picture = Picture::new(WIDTH, HEIGHT);
    let marks = |axis: &Axis| axis.marks(MARKS).collect::<Vec<_>>();
    picture.grid((&across, &marks(&across)), (&up, &marks(&up)), |mark| mark.to_string());
    let name = &results.allocators[base];
    picture.text((WIDTH / 2.0, HEIGHT - 16.0), "middle", "black", &format!("time / {name}"));
    picture.upright_text((18.0, HEIGHT / 2.0), &format!("memory / {name}"));
    for ((allocator, time), memory) in results.allocators.iter().zip(times).zip(memories) {
        let (x, y) = (across.place(time), up.place(memory));
        let colour = if allocator == OWN { OWN_COLOUR } else { COLOURS[0] };
        picture.dot((x, y), 5.0, colour);
        picture.text((x + 8.0, y + 4.0), "start", colour, allocator);
    }
    picture.finish()
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
