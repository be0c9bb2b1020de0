//! Blocks that have no size class: runs and huge blocks.

use super::classes;
use super::heap::FastHeap;
use super::thread_heap::ThreadHeap;
use xalloc_blocks::back_end::{BlockKind, Resized, is_run};
use xalloc_blocks::huge::HugeBlock;
use xalloc_blocks::page_map::Entry;
use xalloc_blocks::runs;
use xalloc_heap::Refusal;

/// From this size on, a free polls the clock if there is a surplus. Of smaller blocks it is enough that `malloc` does.
const POLL_AT_FREE: usize = 4 << 20;

impl FastHeap {
    /// Returns a run or a huge block. With `zeros`, one that reads as zeros is preferred; the result says whether it does.
    /// `None` if there is no memory.
    pub(super) fn malloc_large(&self, size: usize, align: usize, zeros: bool) -> Option<HugeBlock> {
        self.poll_clock_of_own();
        let run = || self.back_end.allocate_run(size, align);
        let run = if is_run(size, align) { self.reclaiming_all(run) } else { None };
        // Without address space for a whole chunk, a mapping of just this size may still be had.
        let (kind, block) = run.or_else(|| self.reclaiming_all(|| self.back_end.allocate_huge(size, align, zeros)))?;
        self.surplus.note_taken(size.next_multiple_of(runs::PAGE));
        if block.zeroed {
            self.grew(kind, size);
        }
        Some(block)
    }

    /// Takes a run or a huge block back, or says what there is at the address.
    #[cold]
    #[inline(never)]
    pub(super) fn free_large(&self, address: usize, entry: Entry) -> Result<(), Refusal> {
        let bytes = self.back_end.free(address, entry)?;
        self.freed_large(bytes);
        Ok(())
    }

    /// Notes that a run or a huge block of so many bytes was freed.
    fn freed_large(&self, bytes: usize) {
        self.released(bytes);
        if !self.surplus.is_there() {
            return;
        }
        if bytes >= POLL_AT_FREE {
            self.poll_clock_of_own();
        } else if let Some(heap) = ThreadHeap::own() {
            self.start_ticking(heap);
        }
    }

    /// Notes that a run or a huge block has `size` bytes instead of `old`.
    fn note_resized(&self, old: usize, size: usize) {
        if size < old {
            self.freed_large(old - size);
        } else {
            self.surplus.note_taken(size - old);
        }
    }

    /// Resizes a large block of `old` usable bytes without copying, where that gives what a fresh block of the size would be.
    pub(super) fn resize_large(&self, block: *mut u8, old: usize, size: usize) -> Option<*mut u8> {
        let attempt = || match self.back_end.resize(block as usize, size, classes::MAX + 1) {
            Resized::Refused if size > old => None,
            resized => Some(resized),
        };
        let Resized::At(kind, resized) = self.reclaiming_all(attempt)? else { return None };
        self.note_resized(old, size);
        if kind == BlockKind::Huge {
            self.grew(kind, size.saturating_sub(old));
        }
        Some(resized)
    }
}
