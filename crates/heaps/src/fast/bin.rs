//! A bin: what the hit paths need of one class, in half a cache line.

use super::classes::{CLASSES, TABLE, class_of};
use core::sync::atomic::{Ordering, compiler_fence};
use xalloc_blocks::free_list::{Block, KeyCell};
use xalloc_blocks::page_map::SLICE;
use xalloc_blocks::single_writer::{Count32, Pointer, Signed32, Word};
use xalloc_os::decrement;

/// The free blocks of one class that a thread has cached: a list to take from and give to, and the previous list, which was full.
#[repr(C)]
pub struct Bin {
    /// The list to take from and give to.
    pub head: Pointer<Block>,
    /// How many blocks can still be freed into `head` before it becomes the previous list.
    pub room: Signed32,
    /// The bits of an address that say how far into a slab of the class it is; [`NUDGED`] when another thread wants the owner to
    /// come to a slow path. Any thread may write it; `previous` belongs to who has access to the heap,
    /// and the other words are the thread's.
    offset_mask: Count32,
    /// A little more than 2^64 / size, to divide by multiplication: see [`Bin::is_start`].
    reciprocal: Word,
    /// The previous list: what a burst of frees left, and a burst of mallocs takes.
    pub previous: Pointer<Block>,
}

const _: () = assert!(size_of::<Bin>() == 32);

/// An `offset_mask` with which [`Bin::is_start`] finds no start, but for slabs at multiples of 4 GiB: what it takes for an offset is
/// larger than a slab.
const NUDGED: u32 = u32::MAX;

/// See [`Bin::is_start`]. The largest power of two that an instruction has room for.
const LIMIT: usize = 1 << 31;

impl Bin {
    /// Sets up the bin of `class` in zeroed memory.
    pub fn init(&self, class: usize) {
        self.reciprocal.set(RECIPROCALS[class]);
        self.answer_nudge(class);
    }

    /// Has the owner's next `free` into this bin take a slow path. For any thread.
    pub fn nudge(&self) {
        self.offset_mask.set(NUDGED);
    }

    /// Whether [`Bin::nudge`] was called since the owner answered last.
    pub fn is_nudged(&self) -> bool {
        self.offset_mask.get() == NUDGED
    }

    /// Has `free` take the hit path again. For the owner of the bin, which is of `class`.
    pub fn answer_nudge(&self, class: usize) {
        self.offset_mask.set((TABLE[class].slices as usize * SLICE) as u32 - 1);
    }

    /// Has [`Bin::is_start`] say no from the block with this index on. Not 0.
    pub fn set_bound(&self, class: usize, bound: usize) {
        self.reciprocal.set(reciprocal(class, bound));
    }

    /// Whether `address`, which lies in a slab of the class, is where a block may start: a multiple of the size from the slab's
    /// start, below the bound. (A slab starts at a multiple of its size.)
    ///
    /// With a reciprocal of `(2^64 + e) / d`, `n * reciprocal mod 2^64` is `q * e` for `n = q * d`, and at least `2^64 / d` for
    /// other `n` (after Lemire, Kaser, Kurz, "Faster remainder by direct computation", 2019). So one comparison with [`LIMIT`]
    /// tells multiples from others, sizes being at most 2^15, and those with `q * e` below it from later ones.
    ///
    /// # Safety
    /// The bin is of the calling thread's heap.
    #[inline(always)]
    pub unsafe fn is_start(&self, address: usize) -> bool {
        let offset = (address as u32 & self.offset_mask.get()) as usize;
        // SAFETY: only the heap's own thread writes the reciprocal, and it reads it here.
        let reciprocal = unsafe { self.reciprocal.own() };
        offset.wrapping_mul(reciprocal) < LIMIT
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

/// The reciprocal with which blocks of the class, up to `bound` of a slab, are found.
const fn reciprocal(class: usize, bound: usize) -> usize {
    let size = TABLE[class].size as usize;
    let least = usize::MAX / size + 1;
    // By how much `least * size` is above 2^64, and by how much it must be.
    let (excess, wanted) = (least.wrapping_mul(size), LIMIT.div_ceil(bound));
    least + wanted.saturating_sub(excess).div_ceil(size)
}

/// Those with which all blocks of a slab are found.
static RECIPROCALS: [usize; CLASSES] = {
    let mut table = [0; CLASSES];
    let mut class = 1;
    while class < CLASSES {
        table[class] = reciprocal(class, TABLE[class].capacity as usize);
        class += 1;
    }
    table
};

/// The largest size that [`BIN_OF_SIZE`] knows.
pub const SHORT_MAX: usize = 1024;

/// Where in a thread heap the bin for a size is. One load, of which a program's few sizes use a few cache lines; the
/// classes' two rules, up to 512 and above, would need six more instructions, or a branch that is guessed wrong in programs
/// that mix sizes below and above. A constant, so that it is known wherever a size is.
pub const BIN_OF_SIZE: &[u16; SHORT_MAX + 1] = &{
    let mut table = [0; SHORT_MAX + 1];
    let mut size = 0;
    while size <= SHORT_MAX {
        table[size] = (class_of(size) * size_of::<Bin>()) as u16;
        size += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_starts_of_blocks_and_nothing_else() {
        for (class, shape) in TABLE.iter().enumerate().skip(1) {
            let bin = Bin {
                head: Pointer::null(),
                room: Signed32::new(0),
                offset_mask: Count32::new(0),
                reciprocal: Word::new(0),
                previous: Pointer::null(),
            };
            bin.init(class);
            let (size, slab, capacity) = (shape.size as usize, shape.slices as usize * SLICE, shape.capacity as usize);
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
