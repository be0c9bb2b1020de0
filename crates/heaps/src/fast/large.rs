//! Blocks that have no size class: runs and huge blocks.

use super::accounting::Kind;
use super::classes;
use super::heap::FastHeap;
use super::thread_heap::ThreadHeap;
use xalloc_blocks::huge::{self, HugeBlock, Stays};
use xalloc_blocks::page_map::{self, Entry};
use xalloc_blocks::runs;
use xalloc_heap::Refusal;

/// From this size on, a free polls the clock if there is a surplus. Of smaller blocks it is enough that `malloc` does.
const POLL_AT_FREE: usize = 4 << 20;

impl FastHeap {
    /// Returns a run or a huge block. With `zeros`, one that reads as zeros is preferred; the result says whether it does.
    /// `None` if there is no memory.
    pub(super) fn malloc_large(&self, size: usize, align: usize, zeros: bool) -> Option<HugeBlock> {
        self.poll_clock_of_own();
        let is_run = size <= runs::MAX && align <= runs::MAX_ALIGN;
        let run = || {
            let run = self.runs.allocate(size, align, &self.arena, &self.metadata)?;
            Some((Kind::Run, HugeBlock { start: run.start, zeroed: run.zeroed }))
        };
        let huge = || Some((Kind::Huge, self.huge.allocate(size, align, zeros, &self.metadata)?));
        // Without address space for a whole chunk, a mapping of just this size may still be had.
        let run = if is_run { self.reclaiming_all(run) } else { None };
        let (kind, block) = run.or_else(|| self.reclaiming_all(huge))?;
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
        let bytes = match entry.kind() {
            runs::KIND => self.runs.free(address, entry)?,
            huge::KIND => self.huge.free(address, entry)?,
            _ => return Err(self.refuse_unknown(address)),
        };
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
        let address = block as usize;
        let entry = page_map::entry(address);
        match entry.kind() {
            runs::KIND if size > classes::MAX && size <= runs::MAX => {
                if !self.runs.resize(address, entry, size) {
                    return None;
                }
                self.note_resized(old, size);
                Some(block)
            }
            huge::KIND if size > runs::MAX => {
                let resize = || match self.huge.resize(address, entry, size) {
                    Err(Stays::Refused) if size > old => None,
                    result => Some(result),
                };
                let resized = self.reclaiming_all(resize)?.ok()?;
                self.note_resized(old, size);
                self.grew(Kind::Huge, size.saturating_sub(old));
                Some(resized)
            }
            _ => None,
        }
    }
}
