//! How many free blocks of each class a thread keeps at hand.
//!
//! Little at first. A class whose blocks went back to their slabs and were wanted again has too small a limit: it is
//! doubled, as long as all classes together stay within an allowance (each bin may hold its limit twice, in the list and
//! in the previous one). Now and then, and when the allowance is used up, classes are looked at: if a bin has not changed since
//! it was last looked at, it falls back to its first limit, and all that it has at hand goes back to the slabs. A few
//! blocks at hand can keep as many slabs in use; a program that uses one size after the other would end up with slabs of
//! all of them.

use super::FastHeap;
use super::classes::{CLASSES, TABLE};
use super::thread_heap::ThreadHeap;
use xalloc_blocks::page_map::SLICE;

/// A bin's first limit: this many bytes of blocks, within these bounds.
const FIRST_BYTES: usize = 32 << 10;
const FIRST_BLOCKS: (usize, usize) = (2, 32);
/// What all limits together may have grown by: this much, or an eighth of the heap's slabs.
const ALLOWANCE: usize = 4 << 20;
/// How many classes are looked at for one that can do with less, when the allowance is used up.
const CLASSES_TO_ASK: usize = 8;
/// No limit grows beyond this.
const MOST_BYTES: usize = 128 << 10;

/// The first limit of a class, in blocks.
pub(super) fn first(class: usize) -> u16 {
    (FIRST_BYTES / TABLE[class].size as usize).clamp(FIRST_BLOCKS.0, FIRST_BLOCKS.1) as u16
}

/// How many bytes a class's limit was raised by.
fn raised(heap: &ThreadHeap, class: usize) -> usize {
    (heap.limit(class) - first(class)) as usize * TABLE[class].size as usize
}

impl FastHeap {
    /// Doubles the limit of a class, if there is an allowance for it.
    pub(super) fn raise_limit(&self, heap: &'static ThreadHeap, class: usize) {
        let limit = heap.limit(class);
        let more = limit as usize * TABLE[class].size as usize;
        if 2 * more > MOST_BYTES || self.is_lean() {
            return;
        }
        let allowance = ALLOWANCE.max(heap.slices.get() as usize * SLICE / 8);
        if heap.raised.get() + more > allowance {
            for _ in 0..CLASSES_TO_ASK {
                self.ask_next(heap, class);
            }
        }
        if heap.raised.get() + more <= allowance {
            heap.set_limit(class, limit * 2);
            heap.raised.set(heap.raised.get() + more);
        }
    }

    /// Looks at all classes.
    pub(super) fn ask_all(&self, heap: &'static ThreadHeap) {
        (1..CLASSES).for_each(|_| self.ask_next(heap, 0));
    }

    /// Looks at the next class, in turn: if it is idle, nothing of it stays at hand. Not at `busy`, which its caller is
    /// changing.
    pub(super) fn ask_next(&self, heap: &'static ThreadHeap, busy: usize) {
        let class = heap.asked.get() as usize % (CLASSES - 1) + 1;
        heap.asked.set(class as u16);
        if class == busy || heap.has_changed(class) {
            return;
        }
        heap.raised.set(heap.raised.get() - raised(heap, class));
        heap.set_limit(class, first(class));
        self.empty_bin(heap, class);
    }
}
