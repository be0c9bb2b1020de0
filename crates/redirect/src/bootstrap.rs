//! A small static arena for allocations that come from inside the start-up. Its blocks are never reused, because there are
//! hardly any.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const SIZE: usize = 64 << 10;
/// The size of the granule before each block, which holds the block's size.
const HEADER: usize = 16;

/// For allocations from inside the start-up. Not a part of the redirection, whose other words are not zeros: so these pages
/// take no room in the library's file.
pub(crate) static BOOTSTRAP: Bootstrap = Bootstrap::new();

#[repr(C, align(4096))]
struct Memory(UnsafeCell<[u8; SIZE]>);

/// The number of granules for which one word says where blocks start.
const STARTS: usize = u64::BITS as usize;

/// A bump pointer over static memory.
pub struct Bootstrap {
    used: AtomicUsize,
    /// A bit for each granule, which is set if a block starts there.
    starts: [AtomicU64; SIZE / HEADER / STARTS],
    memory: Memory,
}

// SAFETY: each byte is handed out at most once.
unsafe impl Sync for Bootstrap {}

impl Bootstrap {
    /// Returns an arena of which nothing is used.
    pub const fn new() -> Self {
        Self {
            used: AtomicUsize::new(0),
            starts: [const { AtomicU64::new(0) }; SIZE / HEADER / STARTS],
            memory: Memory(UnsafeCell::new([0; SIZE])),
        }
    }

    /// Returns a block of `size` zeros, aligned to `align` (a power of two, at most a page); null if it does not fit.
    pub fn allocate(&self, size: usize, align: usize) -> *mut u8 {
        let align = align.max(HEADER);
        // Relaxed: only the numbers matter, because no byte is handed out twice.
        let mut used = self.used.load(Ordering::Relaxed);
        loop {
            let start = (used + HEADER).next_multiple_of(align);
            let Some(end) = start.checked_add(size).map(|end| end.next_multiple_of(HEADER)) else {
                return core::ptr::null_mut();
            };
            if align > 4096 || end > SIZE {
                return core::ptr::null_mut();
            }
            match self.used.compare_exchange_weak(used, end, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => {
                    let block = self.memory.0.get().cast::<u8>().wrapping_add(start);
                    // SAFETY: the granule before the block was just handed out with it.
                    unsafe { block.sub(HEADER).cast::<usize>().write(end - start) };
                    let granule = start / HEADER;
                    // Release: a thread that sees the bit sees the size.
                    self.starts[granule / STARTS].fetch_or(1 << (granule % STARTS), Ordering::Release);
                    return block;
                }
                Err(current) => used = current,
            }
        }
    }

    /// Returns whether the block came from here. Such blocks are never freed.
    #[inline]
    pub fn owns(&self, block: *mut u8) -> bool {
        (block as usize).wrapping_sub(self.memory.0.get() as usize) < SIZE
    }

    /// Returns the usable size of the block that starts at this address; 0 if none does.
    pub fn block_size(&self, address: usize) -> usize {
        let offset = address.wrapping_sub(self.memory.0.get() as usize);
        let granule = offset / HEADER;
        // Acquire: pairs with `allocate`.
        let starts = self.starts.get(granule / STARTS).map_or(0, |word| word.load(Ordering::Acquire));
        let is_block = offset.is_multiple_of(HEADER) && starts & (1 << (granule % STARTS)) != 0;
        // SAFETY: a block starts there.
        if is_block { unsafe { self.usable_size(address as *mut u8) } } else { 0 }
    }

    /// Returns the usable size of a block.
    ///
    /// # Safety
    /// The block came from here.
    pub unsafe fn usable_size(&self, block: *mut u8) -> usize {
        // SAFETY: the block is one of this arena's; `allocate` wrote it.
        unsafe { block.sub(HEADER).cast::<usize>().read() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;

    #[test]
    fn blocks_are_aligned_disjoint_and_bounded() {
        let arena = Box::new(Bootstrap::new());
        let mut end = 0;
        for (size, align) in [(1, 16), (0, 16), (100, 64), (16, 4096), (5000, 16)] {
            let block = arena.allocate(size, align);
            assert!(block as usize >= end && (block as usize).is_multiple_of(align));
            assert!(arena.owns(block));
            // SAFETY: from this arena.
            let usable = unsafe { arena.usable_size(block) };
            assert!(usable >= size);
            assert_eq!(arena.block_size(block as usize), usable);
            assert_eq!(arena.block_size(block as usize + 16), 0, "inside");
            end = block as usize + usable;
        }
        assert!(arena.allocate(SIZE, 16).is_null());
        assert!(arena.allocate(usize::MAX - 20, 16).is_null());
        assert!(arena.allocate(1, 8192).is_null());
        assert!(!arena.owns(core::ptr::null_mut()));
        assert_eq!(arena.block_size(0), 0);
    }
}
