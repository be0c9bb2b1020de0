//! A mapping, and the block in it.

use xalloc_os::pages;

/// Returns the length of the margin: the end of each mapping, which is never the program's. It is a page by which it is seen
/// whether what lies before is as it was mapped, and one behind it ([`pages::is_one_mapping`]).
pub fn margin() -> usize {
    2 * pages::page_size()
}

/// A mapping, and the block in it.
#[derive(Clone, Copy)]
pub struct Mapping {
    pub base: usize,
    /// 0 while the record has no mapping.
    pub length: usize,
    /// How many bytes of it may be a block's: all but the margin.
    pub bytes: usize,
    /// The block's first byte; 0 while it is not in use.
    pub start: usize,
    /// How many bytes the program may use. There may be room for more.
    pub size: usize,
    /// The address by which it stands in the page map, whether it is in use or kept.
    pub entered: usize,
    /// How many bytes may have pages: the most that blocks in it had, since it had none.
    pub touched: usize,
    /// When it was freed, in milliseconds.
    pub freed: u64,
    /// Whether it reads as zeros.
    pub zeroed: bool,
    /// Whether the kernel was asked for huge pages.
    pub huge_pages: bool,
}

impl Mapping {
    /// Returns how many bytes there are from `start` on.
    pub fn room(&self, start: usize) -> usize {
        (self.base + self.bytes).saturating_sub(start)
    }

    /// Notes how long the mapping is now.
    pub fn set_length(&mut self, length: usize) {
        self.length = length;
        self.bytes = length - margin();
        self.touched = self.touched.min(self.bytes);
    }

    /// Notes how many bytes the program may use now.
    pub fn set_size(&mut self, size: usize) {
        self.size = size;
        self.touched = self.touched.max(size);
    }

    /// Returns how many bytes of the mapping the block in it does not need.
    pub fn slack(&self) -> usize {
        self.bytes - self.size
    }

    /// Unmaps what the block in the mapping does not need. Returns how many bytes that are.
    pub fn cut(&mut self) -> usize {
        let (before, behind) = (self.start - self.base, self.room(self.start) - self.size);
        // What becomes the margin must be as it was mapped.
        if before + behind == 0 || !self.is_intact() {
            return 0;
        }
        let (length, mut given) = (self.length, 0);
        // SAFETY: parts of the mapping that are not the program's.
        unsafe {
            if behind > 0 && pages::unmap(self.base + length - behind, behind) {
                self.set_length(length - behind);
                given += behind;
            }
            if before > 0 && pages::unmap(self.base, before) {
                self.base = self.start;
                self.set_length(self.length - before);
                given += before;
            }
        }
        given
    }

    /// Returns whether the pages are as they were mapped: a program may map a file over a part of its block, or protect, lock
    /// or advise its pages, and free it so. Such a mapping is no good for another block.
    pub fn is_intact(&self) -> bool {
        // SAFETY: the mapping is ours, and goes on for a page.
        unsafe { pages::is_one_mapping(self.base, self.length - pages::page_size()) }
    }

    /// Returns where a block may start in a mapping that is kept: where the last one did, if that is aligned enough.
    fn start_aligned_to(&self, align: usize) -> usize {
        let align = align.max(pages::page_size());
        if self.entered.is_multiple_of(align) { self.entered } else { pages::round_up(self.base, align) }
    }

    /// Returns whether [`Mapping::fit`] may work. Moving keeps no alignment but that of the kernel's choice, and is not worth
    /// it for little, nor without pages to keep.
    pub fn can_fit(&self, size: usize, align: usize) -> bool {
        let may_grow = !self.zeroed && align <= pages::page_size() && self.bytes >= size / 2;
        self.room(self.start_aligned_to(align)) >= size || may_grow
    }

    /// Returns how much longer a mapping may be than the block it becomes: pages that were touched and that nobody uses are
    /// memory lost; addresses are cheaper.
    fn spare(&self, size: usize) -> usize {
        if self.zeroed { 3 * size } else { size / 4 }
    }

    /// Returns how many bytes a mapping that is kept counts for.
    pub fn held(&self) -> usize {
        if self.zeroed { self.bytes } else { self.touched }
    }

    /// Returns whether [`Mapping::fit`] has nothing to do.
    pub fn fits_as_it_is(&self, size: usize, align: usize) -> bool {
        let room = self.room(self.start_aligned_to(align));
        room >= size && room - size <= self.spare(size)
    }

    /// Makes a mapping that is no block at the moment as long as a block of `size` bytes needs it to be: returns where the
    /// block starts. `None` if the mapping stays as it was.
    pub fn fit(&mut self, size: usize, align: usize) -> Option<usize> {
        let start = self.start_aligned_to(align);
        let (room, length) = (self.room(start), start - self.base + size + margin());
        if room >= size {
            // SAFETY: the mapping is no block at the moment, so nobody uses it.
            if room - size > self.spare(size) && unsafe { pages::resize(self.base, self.length, length) } {
                self.set_length(length);
            }
            return Some(start);
        }
        let offset = start - self.base;
        // SAFETY: as above.
        if !unsafe { pages::resize(self.base, self.length, length) } {
            // SAFETY: as above.
            self.base = unsafe { pages::remap(self.base, self.length, length, 1) }?;
        }
        self.set_length(length);
        Some(self.base + offset)
    }
}
