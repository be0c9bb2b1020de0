//! Memory for the heap's own records, apart from the blocks: a bump pointer over mappings that are never unmapped.
//!
//! Apart, so that a program that writes past a block cannot reach a record, and dense, so that records of different slabs
//! do not all fall into the same lines of the cache as headers at the start of 64 KiB slabs would.

use crate::locked::Locked;
use xalloc_os::{Lock, pages};

const MAPPING: usize = 256 << 10;
/// Records start on their own cache line.
const ALIGN: usize = 64;

/// Where the next record may start, where the mapping ends, and how many bytes were handed out.
struct Bump {
    next: usize,
    end: usize,
    used: usize,
}

/// The bump pointer.
pub struct Metadata(Locked<Bump>);

impl Metadata {
    /// Returns a bump pointer without a mapping.
    pub const fn new() -> Self {
        Self(Locked::new(Bump { next: 0, end: 0, used: 0 }))
    }

    /// Returns the lock, for fork. It is a leaf: nothing is locked while it is held.
    pub fn lock(&self) -> &Lock {
        self.0.lock()
    }

    /// Returns `size` bytes of zeros that stay mapped for ever, aligned to a cache line. `None` if there is no memory.
    pub fn allocate(&self, size: usize) -> Option<*mut u8> {
        self.allocate_aligned(size, ALIGN)
    }

    /// Returns what [`Metadata::allocate`] does, aligned to `align`: a power of two, at least a cache line.
    pub fn allocate_aligned(&self, size: usize, align: usize) -> Option<*mut u8> {
        let size = pages::round_up(size, ALIGN);
        self.0.with(|bump| {
            let mut start = pages::round_up(bump.next, align);
            if start + size > bump.end {
                let mapping = pages::map_aligned(size.max(MAPPING), align)?;
                start = mapping.start;
                bump.end = mapping.base + mapping.length;
            }
            bump.next = start + size;
            bump.used += size;
            Some(start as *mut u8)
        })
    }

    /// Returns how many bytes are in records.
    pub fn used(&self) -> usize {
        self.0.with(|bump| bump.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_out_disjoint_zeroed_lines() {
        static METADATA: Metadata = Metadata::new();
        let mut last = 0;
        for size in [1, 64, 65, 4096, MAPPING, 10] {
            let start = METADATA.allocate(size).unwrap();
            assert_eq!(start as usize % ALIGN, 0);
            // SAFETY: handed out just now.
            unsafe {
                assert!((0..size).step_by(61).all(|offset| *start.add(offset) == 0));
                start.write_bytes(0xff, size);
            }
            assert_ne!(start as usize, last);
            last = start as usize;
        }
    }

    #[test]
    fn aligns() {
        static METADATA: Metadata = Metadata::new();
        for _ in 0..40 {
            assert_eq!(METADATA.allocate_aligned(1 << 16, 1 << 16).unwrap() as usize % (1 << 16), 0);
        }
    }
}
