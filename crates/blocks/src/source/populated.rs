//! A source whose memory is resident as soon as it is committed.

use super::{Committed, Source};

/// Another source, whose memory is made resident at once: the program waits when a chunk is committed, and not at the first
/// touch of each page. Where the other one cannot populate, its memory is as it was.
#[derive(Clone, Copy, Debug)]
pub struct Populated<S>(pub S);

// SAFETY: the memory is the other source's.
unsafe impl<S: Source> Source for Populated<S> {
    const ALIGN: usize = S::ALIGN;

    fn reserve(self, size: usize) -> Option<usize> {
        self.0.reserve(size)
    }

    unsafe fn commit(self, address: usize, size: usize) -> Committed {
        // SAFETY: the range is reserved, and no more than that.
        let committed = unsafe { self.0.commit(address, size) };
        if committed == Committed::Yes {
            self.populate(address, size);
        }
        committed
    }

    fn map_again(self, address: usize, size: usize) -> bool {
        let mapped = self.0.map_again(address, size);
        if mapped {
            self.populate(address, size);
        }
        mapped
    }

    unsafe fn unmap(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is the other source's, and not used.
        unsafe { self.0.unmap(address, size) }
    }

    unsafe fn purge(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is the other source's, and its contents are not needed.
        unsafe { self.0.purge(address, size) }
    }

    unsafe fn is_as_mapped(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is the other source's, and goes on behind its end.
        unsafe { self.0.is_as_mapped(address, size) }
    }

    fn advise_huge(self, address: usize, size: usize, wanted: bool) {
        self.0.advise_huge(address, size, wanted);
    }

    fn populate(self, address: usize, size: usize) -> bool {
        self.0.populate(address, size)
    }

    fn lock(self, address: usize, size: usize, wanted: bool) -> bool {
        self.0.lock(address, size, wanted)
    }
}
