//! Places names beside points, so that none covers another name or a point.

/// The height of a name, in pixels.
const HEIGHT: f64 = 16.0;
/// The width of a letter in pixels, in the fonts in which pictures are shown, also in the larger one for small screens.
const LETTER: f64 = 8.4;
/// The distances of a name from its point, in pixels: the nearest free place is used.
const DISTANCES: [f64; 7] = [9.0, 16.0, 26.0, 38.0, 54.0, 74.0, 98.0];
/// The directions of a name from its point, in turns from "right", in the order of preference.
const DIRECTIONS: [f64; 8] = [0.0, 0.5, 0.75, 0.25, 0.875, 0.125, 0.625, 0.375];

/// A rectangle: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area(pub f64, pub f64, pub f64, pub f64);

impl Area {
    fn overlaps(&self, other: &Self) -> bool {
        self.0 < other.2 && other.0 < self.2 && self.1 < other.3 && other.1 < self.3
    }

    fn is_inside(&self, other: &Self) -> bool {
        self.0 >= other.0 && self.1 >= other.1 && self.2 <= other.2 && self.3 <= other.3
    }

    /// Returns where the text begins, on its base line.
    pub fn baseline(&self) -> (f64, f64) {
        (self.0, self.3 - 4.0)
    }

    /// Returns the place in the area that is nearest to a point.
    pub fn nearest(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (x.clamp(self.0, self.2), y.clamp(self.1, self.3))
    }
}

/// Returns the approximate width of a text, in pixels.
pub fn width(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}

/// Returns a place for each point's name, inside `bounds`, that covers as few of `others` as possible.
pub fn place(points: &[((f64, f64), &str)], others: &[(f64, f64)], bounds: Area) -> Vec<Area> {
    let mut taken: Vec<Area> = points.iter().map(|&((x, y), _)| Area(x - 6.0, y - 6.0, x + 6.0, y + 6.0)).collect();
    points
        .iter()
        .map(|&(point, name)| {
            let free = candidates(point, width(name))
                .filter(|(_, area)| area.is_inside(&bounds) && !taken.iter().any(|other| area.overlaps(other)));
            // One step of distance counts as much as one dot that is covered. If nothing is free, no choice is right.
            let hidden = |area: &Area| others.iter().filter(|&&other| area.nearest(other) == other).count();
            let cost = |(step, area): &(usize, Area)| step + hidden(area);
            let best = free.min_by_key(cost);
            let area = best.map_or_else(|| beside(point, width(name), DISTANCES[0], 0.0), |(_, area)| area);
            taken.push(area);
            area
        })
        .collect()
}

/// Returns areas all around a point, the nearest first, with the number of their distance.
fn candidates(point: (f64, f64), width: f64) -> impl Iterator<Item = (usize, Area)> {
    DISTANCES.into_iter().enumerate().flat_map(move |(step, distance)| {
        DIRECTIONS.into_iter().map(move |turn| (step, beside(point, width, distance, turn)))
    })
}

/// Returns the area of a text whose nearest edge is at a distance from a point, in a direction.
fn beside((x, y): (f64, f64), width: f64, distance: f64, turn: f64) -> Area {
    let (sine, cosine) = (turn * std::f64::consts::TAU).sin_cos();
    let (across, down) = (x + distance * cosine, y + distance * sine);
    let left = across - width * (1.0 - cosine) / 2.0;
    let top = down - HEIGHT * (1.0 - sine) / 2.0;
    Area(left, top, left + width, top + HEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds() -> Area {
        Area(0.0, 0.0, 700.0, 400.0)
    }

    #[test]
    fn names_of_close_points_are_apart_and_inside() {
        let names: Vec<String> = (0..12).map(|index| format!("allocator-{index}")).collect();
        let points: Vec<_> =
            names.iter().enumerate().map(|(index, name)| ((300.0 + index as f64, 200.0), name.as_str())).collect();
        let bounds = bounds();
        let areas = place(&points, &[], bounds);
        for (index, area) in areas.iter().enumerate() {
            assert!(area.is_inside(&bounds), "{area:?}");
            assert!(areas[..index].iter().all(|other| !area.overlaps(other)), "{index}: {areas:?}");
        }
    }

    #[test]
    fn a_lonely_name_is_right_of_its_point() {
        let areas = place(&[((50.0, 50.0), "name")], &[], bounds());
        assert_eq!(areas[0].0, 59.0);
        let areas = place(&[((50.0, 50.0), "name")], &[(70.0, 50.0), (30.0, 50.0)], bounds());
        assert_eq!(areas[0].3, 41.0, "above, where nothing is");
    }
}
