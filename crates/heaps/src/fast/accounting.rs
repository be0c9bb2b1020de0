//! What the heap holds, and what the policies of how much that may be make of it.

use super::heap::FastHeap;
use super::thread_heap::Ticks;
use xalloc_blocks::back_end::BlockKind;
use xalloc_blocks::held::Held;

impl FastHeap {
    /// Notes that blocks of a kind take `bytes` more than before. What the others keep goes, as far as it is more than was
    /// once in use.
    pub(super) fn grew(&self, kind: BlockKind, bytes: usize) {
        self.back_end.grew(kind, bytes, self.is_lean());
    }

    /// Notes that `bytes` of a slab, a run or a huge block became free.
    pub(super) fn released(&self, bytes: usize) {
        if self.surplus.released(bytes) {
            self.weigh_surplus();
        }
    }

    #[cold]
    fn weigh_surplus(&self) {
        if self.surplus.weigh(&self.weigh()) {
            self.nudge_all();
        }
    }

    /// Notes that a purge gave `purged` bytes.
    pub(super) fn note_purge(&self, purged: usize) {
        if !self.surplus.is_there() {
            return;
        }
        if purged > 0 {
            return self.surplus.note_purge();
        }
        let held = self.weigh();
        // Mappings wait for their own time.
        if held.is_little_free() || self.back_end.huge.stats().kept == 0 {
            self.surplus.note_vain_purge(&held);
        }
    }

    /// Returns what is held; blocks that wait for their owners count as free.
    fn weigh(&self) -> Held {
        let mut held = self.back_end.held();
        held.free += self.registry.all().map(|heap| heap.remote().waiting()).sum::<usize>();
        held
    }

    /// Has every thread come to a slow path with its next `free`: one that lives from its bins alone would not purge anything.
    fn nudge_all(&self) {
        for heap in self.registry.all().filter(|heap| !heap.ticking().is_on()) {
            heap.cache().nudge_all();
        }
    }
}
