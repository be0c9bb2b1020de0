//! A bin: what the hit paths need of one class, in half a cache line.

use crate::free_list::{Block, KeyCell, List};
use crate::page_map::SLICE;
use crate::single_writer::{Count32, Pointer, Signed32, Word};
use crate::size_class::{Class, START_LIMIT};
use core::sync::atomic::{Ordering, compiler_fence};
use xalloc_os::decrement;

/// The free blocks of one class that a thread has cached: a list to take from and give to, and the previous list, which was
/// full.
#[repr(C)]
pub struct Bin {
    /// The list to take from and give to.
    pub(crate) head: Pointer<Block>,
    /// How many blocks can still be freed into `head` before it becomes the previous list.
    pub(crate) room: Signed32,
    /// The bits of an address that say how far into a slab of the class it is; [`NUDGED`] when another thread wants the owner
    /// to come to a slow path. Any thread may write it; `previous` belongs to who has access to the heap, and the other words
    /// are the thread's.
    offset_mask: Count32,
    /// A little more than 2^64 / size, to divide by multiplication: see [`Bin::is_start`].
    reciprocal: Word,
    /// The previous list: what a burst of frees left, and a burst of mallocs takes.
    pub(crate) previous: Pointer<Block>,
}

const _: () = assert!(size_of::<Bin>() == 32);

/// An `offset_mask` with which [`Bin::is_start`] finds no start, but for slabs at multiples of 4 GiB: what it takes for an
/// offset is larger than a slab.
const NUDGED: u32 = u32::MAX;

impl Bin {
    /// Returns a bin of no class, as zeroed memory is one.
    pub const fn new() -> Self {
        Self {
            head: Pointer::null(),
            room: Signed32::new(0),
            offset_mask: Count32::new(0),
            reciprocal: Word::new(0),
            previous: Pointer::null(),
        }
    }

    /// Sets up the bin of `class` in zeroed memory.
    pub fn init(&self, class: &Class) {
        self.reciprocal.set(class.starts);
        self.answer_nudge(class);
    }

    /// Has the owner's next `free` into this bin take a slow path. For any thread.
    pub fn nudge(&self) {
        self.offset_mask.set(NUDGED);
    }

    /// Returns whether [`Bin::nudge`] was called since the owner answered last.
    pub fn is_nudged(&self) -> bool {
        self.offset_mask.get() == NUDGED
    }

    /// Has `free` take the hit path again. For the owner of the bin, which is of `class`.
    pub fn answer_nudge(&self, class: &Class) {
        self.offset_mask.set((class.slices as usize * SLICE) as u32 - 1);
    }

    /// Has [`Bin::is_start`] say no from the block with this index on. Not 0.
    pub fn set_bound(&self, class: &Class, bound: usize) {
        self.reciprocal.set(class.starts_below(bound));
    }

    /// Returns whether `address`, which lies in a slab of the class, is where a block may start: a multiple of the size from
    /// the slab's start, below the bound. (A slab starts at a multiple of its size.)
    ///
    /// One multiplication and one comparison: see [`Class::starts_below`].
    ///
    /// # Safety
    /// The bin is of the calling thread's heap.
    #[inline(always)]
    pub unsafe fn is_start(&self, address: usize) -> bool {
        let offset = (address as u32 & self.offset_mask.get()) as usize;
        // SAFETY: only the heap's own thread writes the reciprocal, and it reads it here.
        let reciprocal = unsafe { self.reciprocal.own() };
        offset.wrapping_mul(reciprocal) < START_LIMIT
    }

    /// Returns the first block of the list, null if there is none. For any thread.
    #[inline(always)]
    pub fn head(&self) -> *mut Block {
        self.head.get()
    }

    /// Returns the first block of the previous list, null if there is none. For any thread.
    pub fn previous(&self) -> *mut Block {
        self.previous.get()
    }

    /// Makes `list` the list of a bin that blocks are only taken from: its `room` counts them, up to 0.
    ///
    /// # Safety
    /// The blocks are of the bin's class, free, and the caller's, as the bin is. The bin's list is empty, or its blocks are in
    /// `list`.
    pub unsafe fn fill(&self, list: List) {
        self.head.set(list.head);
        self.room.set(-(list.count as i32));
    }

    /// Returns how many blocks are left of what [`Bin::fill`] put there.
    pub fn left(&self) -> usize {
        self.room.get().min(0).unsigned_abs() as usize
    }

    /// Takes a block, or returns null: there is none, or the first one was written to after it was freed.
    #[inline(always)]
    pub fn pop(&self, key: &KeyCell) -> *mut u8 {
        let block = self.head.get();
        if block.is_null() {
            return core::ptr::null_mut();
        }
        // SAFETY: a free block of this bin.
        let Ok(next) = (unsafe { Block::next(block, key.get()) }) else { return core::ptr::null_mut() };
        self.head.set(next);
        // A fork in another thread may stop this one at any instruction: the list must be whole in the child.
        compiler_fence(Ordering::Release);
        self.room.set(self.room.get() + 1);
        // SAFETY: it was free, and is in no list now.
        unsafe { Block::hand_out(block) };
        block.cast()
    }

    /// Adds a block. Whether there was room for it: if not, the list has one block too many now, and `room` is negative.
    ///
    /// # Safety
    /// The bin is of the calling thread's heap, and the block, one of its class, is the caller's and free.
    #[inline(always)]
    pub unsafe fn push(&self, block: *mut Block, key: &KeyCell) -> bool {
        // SAFETY: the caller's: a free block.
        unsafe { Block::set_next(block, self.head.get(), key.get()) };
        // As in `pop`.
        compiler_fence(Ordering::Release);
        self.head.set(block);
        // SAFETY: `room` is at this offset; the bin is of the calling thread's heap, so nobody else writes it.
        !unsafe { decrement::<{ core::mem::offset_of!(Bin, room) }>(core::ptr::from_ref(self).cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size_class::{LARGE, MANY_SLICES, MIDDLE, SMALL};

    #[test]
    #[cfg_attr(miri, ignore = "millions of divisions, no memory")]
    fn finds_the_starts_of_blocks_and_nothing_else() {
        static CLASSES: [Class; 3] = [Class::new(1, 48, 1), Class::new(2, 1152, 1), Class::new(3, 4608, MANY_SLICES)];
        for class in [&SMALL, &MIDDLE, &LARGE].into_iter().chain(&CLASSES) {
            let bin = Bin::new();
            bin.init(class);
            let (size, slab, capacity) = (class.size as usize, class.slices as usize * SLICE, class.capacity as usize);
            let mut bounds = std::vec![1, 2, 3, capacity / 3 + 1, capacity - 1, capacity];
            bounds.extend((0..capacity).step_by(97).skip(1));
            for bound in bounds.into_iter().filter(|&bound| bound > 0) {
                bin.set_bound(class, bound);
                // Every multiple, its neighbours, and a sample of the others.
                for offset in (0..slab).filter(|offset| matches!(offset % size, 0 | 1 | 8 | 16) || offset % 101 == 0) {
                    // SAFETY: this test's own bin.
                    let is_start = unsafe { bin.is_start((5 << 40) + 3 * slab + offset) };
                    let expected = offset % size == 0 && offset / size < bound;
                    assert_eq!(is_start, expected, "{size} {offset} {bound}");
                }
            }
        }
    }
}
