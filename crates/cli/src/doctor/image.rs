//! The program that a process runs, from one exec to the next, and the place of the library in it.

use std::ops::Range;

/// One process. Its records come in any order, so each has its time.
#[derive(Default)]
pub struct Image {
    /// When it last executed a program; 0 if it is still what it was forked as.
    since: u64,
    /// When code was last mapped.
    mapped: u64,
    /// The places of the library's code, each with the time from which on it is there.
    code: Vec<(u64, Range<u64>)>,
}

impl Image {
    /// Notes that the process executed a program, in which nothing of what was mapped before is left.
    pub fn execute(&mut self, time: u64) {
        self.since = self.since.max(time);
        self.code.retain(|(mapped, _)| *mapped > time);
    }

    /// Notes that code was mapped. `code` is its place, if it is the library's.
    pub fn map(&mut self, time: u64, code: Option<Range<u64>>) {
        if time > self.since {
            self.mapped = self.mapped.max(time);
            self.code.extend(code.map(|code| (time, code)));
        }
    }

    /// Returns whether it runs another program than the one from which it was forked.
    pub fn is_its_own(&self) -> bool {
        self.since > 0
    }

    /// Returns whether the position is in the library.
    pub fn is_inside(&self, position: u64) -> bool {
        self.code.iter().any(|(_, code)| code.contains(&position))
    }

    /// Returns whether the library is in the program. `None` if no code was mapped at all: every program has some, so the
    /// kernel does not report this process any more, as with programs that get rights by their file.
    pub fn has_library(&self) -> Option<bool> {
        (self.mapped > self.since).then_some(!self.code.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_mapped_before_an_exec_is_gone_in_whatever_order_it_is_told() {
        let mut image = Image::default();
        image.map(2, Some(100..200));
        assert_eq!((image.has_library(), image.is_inside(150), image.is_its_own()), (Some(true), true, false));
        image.execute(3);
        assert_eq!((image.has_library(), image.is_inside(150), image.is_its_own()), (None, false, true));
        image.map(2, Some(100..200));
        assert_eq!(image.has_library(), None);
        image.map(4, None);
        assert_eq!(image.has_library(), Some(false));
        image.map(5, Some(300..400));
        image.execute(4);
        assert_eq!((image.has_library(), image.is_inside(350)), (Some(true), true));
    }
}
