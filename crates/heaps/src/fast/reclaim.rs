//! What happens when the kernel refuses memory: what one kind of block does not use, the others can have.
//!
//! A program that lives at its limit comes here with every request. So each step is cheap when there is nothing to be had:
//! empty bins, empty lists, nothing that became free since the last time.

use super::classes::CLASSES;
use super::heap::FastHeap;
use super::release::Retain;
use super::thread_heap::ThreadHeap;
use crate::local;

/// No class is being refilled.
pub const NO_CLASS: usize = 0;

impl FastHeap {
    /// Returns the result of `attempt`, which has none when the kernel refuses memory. It is made up to three times: as it is,
    /// after unused memory was collected, and after unused memory was unmapped. `heap` is the caller's, if it has one; it is
    /// refilling the bin of the class `busy`.
    pub(super) fn reclaiming<T>(
        &self,
        heap: Option<&'static ThreadHeap>,
        busy: usize,
        attempt: impl Fn() -> Option<T>,
    ) -> Option<T> {
        attempt()
            .or_else(|| if self.collect_unused(heap, busy) { attempt() } else { None })
            .or_else(|| if self.back_end.arena.unmap() > 0 { attempt() } else { None })
    }

    /// Brings to the arena, or unmaps, what this thread has cached of all classes but `busy`, what was sent to it and to
    /// abandoned heaps, chunks without runs, and freed mappings; unmaps what local heaps do not use. Returns whether there is anything that was not there when
    /// memory was short before.
    fn collect_unused(&self, heap: Option<&'static ThreadHeap>, busy: usize) -> bool {
        if let Some(heap) = heap {
            let _change = heap.change();
            self.send_all(heap);
            self.drain(heap, Retain::Nothing);
            self.stop_ticking(heap);
            (1..CLASSES).filter(|&class| class != busy).for_each(|class| self.empty_bin(heap, class));
        }
        self.release_unused();
        self.back_end.collect_unused() | local::release_unused()
    }

    /// Returns what [`FastHeap::reclaiming`] does, outside of the slow paths of a thread's heap.
    pub(super) fn reclaiming_all<T>(&self, attempt: impl Fn() -> Option<T>) -> Option<T> {
        self.reclaiming(ThreadHeap::own(), NO_CLASS, attempt)
    }
}
