//! Mappings and their records; those that were freed and wait for the next block.

use crate::huge_pages;
use xalloc_os::pages;

/// How much is kept with its pages.
#[derive(Clone, Copy)]
pub struct Keeping {
    /// For how long.
    pub milliseconds: u64,
    /// How many bytes: as many as were once in use and are not now, but so many at least.
    pub least: usize,
    /// And so many at most.
    pub most: usize,
}

impl Keeping {
    /// What is kept unless the user wants something else.
    pub const SPEED: Self = Self { milliseconds: 1000, least: 32 << 20, most: 1 << 30 };
    /// Little, and no more than was in use at some time.
    pub const LEAN: Self = Self { milliseconds: 100, least: 0, most: 32 << 20 };

    /// Returns how many bytes to keep when `unused` bytes of blocks are no longer in use. Mappings are longer than their
    /// blocks: by what the alignment took, and by the room to grow ([`resize`](super::resize)); so a single block, however
    /// large, may be retained.
    pub fn bytes(&self, unused: usize) -> usize {
        let unused = unused.min(self.most);
        (unused + unused / 4).clamp(self.least, self.most) + huge_pages::SIZE
    }
}

/// Returns the length of the margin: the end of each mapping, which is never the program's. It is a page by which it is seen
/// whether what lies before is as it was mapped, and one behind it ([`pages::is_one_mapping`]).
pub fn margin() -> usize {
    2 * pages::page_size()
}

/// A mapping, and the block in it.
#[derive(Clone, Copy)]
pub struct Record {
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
    pub next: *mut Record,
    /// The next record of all.
    pub older: *mut Record,
}

impl Record {
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
        // SAFETY: parts of this record's mapping that are not the program's.
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
        // SAFETY: the mapping is this record's, and goes on for a page.
        unsafe { pages::is_one_mapping(self.base, self.length - pages::page_size()) }
    }

    /// Returns where a block may start in a mapping that is kept: where the last one did, if that is aligned enough.
    fn start_aligned_to(&self, align: usize) -> usize {
        let align = align.max(pages::page_size());
        if self.entered.is_multiple_of(align) { self.entered } else { pages::round_up(self.base, align) }
    }

    /// Returns whether [`Record::fit`] may work. Moving keeps no alignment but that of the kernel's choice, and is not worth it
    /// for little, nor without pages to keep.
    fn can_fit(&self, size: usize, align: usize) -> bool {
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

    /// Returns whether [`Record::fit`] has nothing to do.
    fn fits_as_it_is(&self, size: usize, align: usize) -> bool {
        let room = self.room(self.start_aligned_to(align));
        room >= size && room - size <= self.spare(size)
    }

    /// Makes a mapping that is no block at the moment as long as a block of `size` bytes needs it to be: returns where the
    /// block starts. `None` if the mapping stays as it was.
    pub fn fit(&mut self, size: usize, align: usize) -> Option<usize> {
        let start = self.start_aligned_to(align);
        let (room, length) = (self.room(start), start - self.base + size + margin());
        if room >= size {
            // SAFETY: the mapping is this record's, and nobody uses it.
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

/// Kept mappings, the last one freed first.
pub struct Kept {
    first: *mut Record,
    /// Bytes in them: as many as may have pages, or of mappings without pages all.
    pub bytes: usize,
    /// How many.
    pub count: usize,
}

impl Kept {
    pub const fn new() -> Self {
        Self { first: core::ptr::null_mut(), bytes: 0, count: 0 }
    }

    /// Returns how long the mappings are.
    pub fn length(&self) -> usize {
        let (mut record, mut length) = (self.first.cast_const(), 0);
        // SAFETY: the list's records are valid.
        while let Some(mapping) = unsafe { record.as_ref() } {
            length += mapping.length;
            record = mapping.next;
        }
        length
    }

    /// # Safety
    /// The record is the caller's, and stays valid while it is in the list.
    pub unsafe fn push(&mut self, record: *mut Record) {
        // SAFETY: the record is valid, in no list, and the caller's.
        unsafe {
            self.bytes += (*record).held();
            (*record).next = self.first;
        }
        self.count += 1;
        self.first = record;
    }

    /// Takes out the mapping that can hold such a block and is nearest to it in length; before others, one that the kernel
    /// need not resize.
    pub fn take_nearest(&mut self, size: usize, align: usize) -> Option<*mut Record> {
        self.take_least(|record| {
            let penalty = if record.fits_as_it_is(size, align) { 0 } else { usize::MAX / 2 };
            record.can_fit(size, align).then(|| record.bytes.abs_diff(size) + penalty)
        })
    }

    /// Takes out one that is too many: the largest if it alone is too large, so that it does not push out all others;
    /// the oldest if there are more than `count`, or more than `bytes` in them, or if it was freed before `time`.
    pub fn take_surplus(&mut self, count: usize, bytes: usize, time: u64) -> Option<*mut Record> {
        let too_many = self.count > count || self.bytes > bytes;
        self.take_least(|record| (record.held() > bytes).then_some(0))
            .or_else(|| self.take_least(|record| (too_many || record.freed <= time).then_some(record.freed as usize)))
    }

    /// Takes out the one for which `key` is least; the older of equals.
    fn take_least(&mut self, key: impl Fn(&Record) -> Option<usize>) -> Option<*mut Record> {
        let mut least: Option<(usize, *mut *mut Record)> = None;
        let mut link = &raw mut self.first;
        // SAFETY: the list's records are valid; a link is one of the list's own pointers.
        unsafe {
            while !(*link).is_null() {
                if let Some(key) = key(&**link)
                    && least.is_none_or(|(so_far, _)| key <= so_far)
                {
                    least = Some((key, link));
                }
                link = &raw mut (**link).next;
            }
            let (_, link) = least?;
            let record = *link;
            *link = (*record).next;
            self.count -= 1;
            self.bytes -= (*record).held();
            Some(record)
        }
    }
}

/// A kept mapping that is too much, and is in no list any more. Its pages go, or its addresses if it has no pages.
pub enum Surplus {
    /// It may have pages.
    Dirty(*mut Record),
    /// It has none.
    Clean(*mut Record),
}
