//! The caller's buffer of return addresses, and what is left out at its beginning.

use core::ops::Range;

/// A buffer that is filled from the innermost frame on.
pub struct Frames<'a> {
    buffer: &'a mut [usize],
    used: usize,
    skip: usize,
    own: Range<usize>,
}

impl<'a> Frames<'a> {
    /// Returns an empty buffer that leaves out the first `skip` frames, and then those whose code is in `own`, up to the first
    /// other one.
    pub fn new(buffer: &'a mut [usize], skip: usize, own: Range<usize>) -> Self {
        Self { buffer, used: 0, skip, own }
    }

    /// Takes the next frame. Returns whether there is room for another one.
    #[inline]
    pub fn push(&mut self, address: usize) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.used > 0 || !self.own.contains(&address) {
            let Some(place) = self.buffer.get_mut(self.used) else { return false };
            *place = address;
            self.used += 1;
        }
        self.used < self.buffer.len()
    }

    /// Returns how many frames are in the buffer.
    pub fn len(&self) -> usize {
        self.used
    }
}
