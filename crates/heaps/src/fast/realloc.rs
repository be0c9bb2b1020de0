//! Blocks without a size class, and `realloc` between all kinds.

use super::accounting::Kind;
use super::classes;
use super::heap::FastHeap;
use super::thread_heap::ThreadHeap;
use xalloc_blocks::huge::{self, HugeBlock, Stays};
use xalloc_blocks::page_map;
use xalloc_blocks::runs;
use xalloc_heap::{Heap, Refusal};

/// From this size on, a free polls the clock if there is a surplus. Of smaller blocks it is enough that `malloc` does.
const POLL_AT_FREE: usize = 4 << 20;

impl FastHeap {
    /// A run or a huge block, of zeros if it comes to that.
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

    /// Notes that a run or a huge block of so many bytes was freed.
    pub(super) fn freed_large(&self, bytes: usize) {
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

    /// Resizes a block of `old` usable bytes.
    ///
    /// # Safety
    /// A live block of this heap.
    pub(super) unsafe fn realloc_from(&self, block: *mut u8, old: usize, size: usize) -> Result<*mut u8, Refusal> {
        if size <= old && size >= old / 2 && old <= classes::MAX {
            return Ok(block);
        }
        if let Some(resized) = self.resize_large(block, old, size) {
            return Ok(resized);
        }
        let wanted = with_room_to_grow(old, size);
        let mut new = self.malloc(wanted);
        if new.is_null() && wanted != size {
            new = self.malloc(size);
        }
        if new.is_null() {
            // A block that need not grow is good enough as it is.
            return Ok(if size <= old { block } else { new });
        }
        // SAFETY: both blocks are live and disjoint, and the copy fits in both.
        unsafe {
            new.copy_from_nonoverlapping(block, old.min(size));
            // It was found to be a block just now.
            let _ = self.free(block);
        }
        Ok(new)
    }

    /// Moves a block of `old` usable bytes that belongs in `bin`, one of this thread's, if there is another one cached: null
    /// if not, and nothing was done.
    ///
    /// # Safety
    /// The block is the caller's, and belongs in the bin.
    #[inline(never)]
    pub(super) unsafe fn move_cached(&self, bin: usize, block: *mut u8, old: usize, size: usize) -> *mut u8 {
        let new = self.cached_malloc(with_room_to_grow(old, size));
        if !new.is_null() {
            // SAFETY: both blocks are live and disjoint, and the copy fits in both; then the old one is freed.
            unsafe {
                new.copy_from_nonoverlapping(block, old.min(size));
                self.push(bin, block.cast());
            }
        }
        new
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
    fn resize_large(&self, block: *mut u8, old: usize, size: usize) -> Option<*mut u8> {
        let address = block as usize;
        let entry = page_map::entry(address);
        match entry.kind {
            runs::KIND if size > classes::MAX && size <= runs::MAX => {
                if !self.runs.resize(address, entry.record, size) {
                    return None;
                }
                self.note_resized(old, size);
                Some(block)
            }
            huge::KIND if size > runs::MAX => {
                let resize = || match self.huge.resize(address, entry.record, size) {
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

/// A block that grows a little will probably grow again: how much to make of `size` bytes in place of `old`, so that a
/// buffer that is extended piece by piece is copied now and then, not each time. Small ones are copied for less than the
/// memory would cost.
fn with_room_to_grow(old: usize, size: usize) -> usize {
    const FROM: usize = 16 << 10;
    let grown = old + old / 2;
    if old >= FROM && (old..grown).contains(&size) && grown <= runs::MAX { grown } else { size }
}
