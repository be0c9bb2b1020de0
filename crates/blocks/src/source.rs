//! Where an [`Arena`](crate::arena::Arena) has its addresses and its pages from: the [`Kernel`], or something else.
//!
//! An arena reserves addresses in regions, commits them chunk by chunk, and purges pages or unmaps addresses. A source of one's
//! own may have them in a file, in memory that two processes share (`examples/shared-arena`), or only so many of them. One that
//! changes only a part of what another one does is made around it, as [`Populated`] is.

use xalloc_os::pages;
pub use xalloc_os::pages::Committed;

mod populated;
pub use populated::Populated;

/// A handle to memory: a type without size for the kernel's, a reference or a number otherwise. The arena asks for whole slices
/// of 64 KiB.
///
/// # Safety
/// What is committed, or mapped again, is zeros that can be read and written, and nobody else's until it is unmapped.
pub unsafe trait Source: Copy + Send {
    /// What the starts of reserved ranges are multiples of. If it is less than a chunk, the arena reserves a chunk more, and
    /// unmaps what lies before and behind.
    const ALIGN: usize;

    /// Reserves `size` bytes of addresses, and returns the first. `None` if there are no more.
    fn reserve(self, size: usize) -> Option<usize>;

    /// Makes memory of addresses that are reserved. Returns what became of them.
    ///
    /// # Safety
    /// The range was reserved here, and neither committed nor unmapped since.
    unsafe fn commit(self, address: usize, size: usize) -> Committed;

    /// Makes memory of addresses that were unmapped. Returns false if there is none, or if they are somebody else's by now.
    fn map_again(self, address: usize, size: usize) -> bool;

    /// Unmaps addresses with their memory. Returns false if they stay as they are.
    ///
    /// # Safety
    /// The range was reserved here, and nothing uses it any more.
    #[must_use]
    unsafe fn unmap(self, address: usize, size: usize) -> bool;

    /// Gives the pages of a range back, which is zeros then. Returns false if they stay as they are.
    ///
    /// # Safety
    /// The range is memory of this source, and nobody needs its contents.
    #[must_use]
    unsafe fn purge(self, address: usize, size: usize) -> bool;

    /// Returns whether a range is as it was when it became memory: false if the source cannot tell: then it is unmapped and
    /// mapped again before it is used for something else.
    ///
    /// # Safety
    /// The range is memory of this source, and so is a page behind it.
    unsafe fn is_as_mapped(self, _address: usize, _size: usize) -> bool {
        false
    }

    /// Advises that huge pages are wanted for a range, or not.
    fn advise_huge(self, _address: usize, _size: usize, _wanted: bool) {}

    /// Makes all pages of a range resident at once. Returns false if it cannot.
    fn populate(self, _address: usize, _size: usize) -> bool {
        false
    }

    /// Keeps the pages of a range resident, or (`wanted` false) no longer. Returns false if it cannot.
    fn lock(self, _address: usize, _size: usize, _wanted: bool) -> bool {
        false
    }
}

/// Private memory of the process.
#[derive(Clone, Copy, Debug)]
pub struct Kernel;

// SAFETY: the kernel's fresh mappings are zeros, and where nothing else is mapped.
unsafe impl Source for Kernel {
    const ALIGN: usize = 1;

    fn reserve(self, size: usize) -> Option<usize> {
        pages::reserve(size)
    }

    unsafe fn commit(self, address: usize, size: usize) -> Committed {
        // SAFETY: the range is reserved, and no more than that.
        unsafe { pages::commit(address, size) }
    }

    fn map_again(self, address: usize, size: usize) -> bool {
        pages::map_at(address, size)
    }

    unsafe fn unmap(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is this source's, and not used.
        unsafe { pages::unmap(address, size) }
    }

    unsafe fn purge(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is this source's, of whole pages, and its contents are not needed.
        unsafe { pages::purge(address, size) }
    }

    unsafe fn is_as_mapped(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is this source's, of whole pages, and goes on behind its end.
        unsafe { pages::is_one_mapping(address, size) }
    }

    fn advise_huge(self, address: usize, size: usize, wanted: bool) {
        pages::advise_huge(address, size, wanted);
    }

    fn populate(self, address: usize, size: usize) -> bool {
        pages::populate(address, size)
    }

    fn lock(self, address: usize, size: usize, wanted: bool) -> bool {
        pages::lock(address, size, wanted)
    }
}

#[cfg(test)]
mod tests;
