//! Blocks above 2 MiB, or with alignments above it: a mapping each.
//!
//! Growing moves pages, not bytes (`mremap`). Each block is at least a slice long, so no slice holds the starts of two, and
//! the page map needs to know only the slice of a block's start.

use crate::locked::Locked;
use crate::metadata::Metadata;
use crate::misuse::{self, Call};
use crate::page_map::{self, Entry, SpareLeaf};
use crate::size_class::SLICE;
use xalloc_os::{Lock, pages};

/// What there is to know about a block.
#[derive(Clone, Copy)]
struct Record {
    base: usize,
    length: usize,
    /// The block's first byte; 0 while the record is unused.
    start: usize,
    next: *mut Record,
}

struct State {
    unused: *mut Record,
    /// Blocks that were freed but that the kernel would not unmap: reused, or unmapped later.
    kept: *mut Record,
    spare: Option<SpareLeaf>,
    stats: HugeStats,
}

// SAFETY: the records belong to the heap, not to a thread.
unsafe impl Send for State {}

/// The huge blocks of a heap.
pub struct Huge(Locked<State>);

/// What the huge blocks hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct HugeStats {
    /// The number of blocks that the program holds.
    pub blocks: usize,
    /// Their bytes.
    pub live: usize,
}

/// A huge block just handed out.
#[derive(Clone, Copy, Debug)]
pub struct HugeBlock {
    /// Its first byte.
    pub start: *mut u8,
    /// Whether it reads as zeros.
    pub zeroed: bool,
}

const NOT_A_BLOCK: &str = "not the start of a block in use: an interior pointer";

impl Record {
    fn usable(&self) -> usize {
        self.base + self.length - self.start
    }
}

impl Huge {
    /// Holds nothing yet.
    #[allow(clippy::new_without_default, reason = "a static needs a const fn, which Default cannot be")]
    pub const fn new() -> Self {
        let null = core::ptr::null_mut();
        let stats = HugeStats { blocks: 0, live: 0 };
        Self(Locked::new(State { unused: null, kept: null, spare: None, stats }))
    }

    /// The lock, for fork. Under it, only the metadata's is taken.
    pub fn lock(&self) -> &Lock {
        self.0.lock()
    }

    /// A block of at least `size` bytes aligned to `align` and at least to a page. `None` if there is no memory.
    pub fn allocate(&self, size: usize, align: usize, metadata: &Metadata) -> Option<HugeBlock> {
        let size = size.max(SLICE);
        if let Some(start) = self.0.with(|state| state.reuse(size, align)) {
            return Some(HugeBlock { start: start as *mut u8, zeroed: false });
        }
        let mapping = pages::map_aligned(size, align)?;
        let entered = page_map::cover(mapping.start, SLICE)
            && self.0.with(|state| state.enter(mapping.base, mapping.length, mapping.start, metadata)).is_some();
        if !entered {
            // SAFETY: mapped above, seen by nobody. If the kernel keeps it, only untouched address space is lost.
            let _ = unsafe { pages::unmap(mapping.base, mapping.length) };
            return None;
        }
        Some(HugeBlock { start: mapping.start as *mut u8, zeroed: true })
    }

    /// Whether `address` lies in the block of `record`; the rest of its first slice may be anybody's.
    pub fn contains(&self, address: usize, record: *mut u8) -> bool {
        self.with_record(record, |_, record| {
            let start = record.start;
            start != 0 && (start..record.base + record.length).contains(&address)
        })
    }

    /// Takes a block back.
    pub fn free(&self, address: usize, record: *mut u8) {
        let freed = self.with_record(record, |state, record| {
            if record.start != address {
                return None;
            }
            state.stats.blocks -= 1;
            state.stats.live -= record.usable();
            page_map::set(address & !(SLICE - 1), SLICE, Entry::None);
            record.start = 0;
            Some((record.base, record.length))
        });
        let Some((base, length)) = freed else { return misuse::report(Call::Free, address, NOT_A_BLOCK) };
        // Outside the lock: the kernel may take long to unmap a large block. The record is nobody's meanwhile.
        // SAFETY: the block was just taken out of the map, by its only owner.
        let unmapped = unsafe { pages::unmap(base, length) };
        self.with_record(record, |state, record| {
            let list = if unmapped { &mut state.unused } else { &mut state.kept };
            record.next = *list;
            *list = record;
        });
    }

    /// The usable size of a block, for `call`. 0 if there is none at this address, which is reported.
    pub fn usable_size(&self, address: usize, record: *mut u8, call: Call) -> usize {
        let size = self.with_record(record, |_, record| (record.start == address).then(|| record.usable()));
        size.unwrap_or_else(|| {
            misuse::report(call, address, NOT_A_BLOCK);
            0
        })
    }

    /// Makes a block `size` bytes long, moving it if need be, without copying it. `None` if it stays as it was.
    pub fn resize(&self, address: usize, record: *mut u8, size: usize) -> Option<*mut u8> {
        self.with_record(record, |state, record| {
            let offset = record.start - record.base;
            let length = pages::round_up(size.max(SLICE), pages::page_size()).checked_add(offset)?;
            let old = record.usable();
            debug_assert_eq!(record.start, address);
            // SAFETY: the mapping is the block's, whose only owner resizes it.
            if !unsafe { pages::resize(record.base, record.length, length) } {
                if length < record.length {
                    return None;
                }
                record.base = state.relocate(record, length)?;
                record.start = record.base + offset;
            }
            record.length = length;
            state.stats.live = state.stats.live - old + record.usable();
            Some(record.start as *mut u8)
        })
    }

    fn with_record<T>(&self, record: *mut u8, f: impl FnOnce(&mut State, &mut Record) -> T) -> T {
        // SAFETY: records live as long as the process and are only touched under the lock.
        self.0.with(|state| f(state, unsafe { &mut *record.cast::<Record>() }))
    }

    /// Unmaps what the kernel would not unmap before. Returns how many bytes it gave back.
    pub fn trim(&self) -> usize {
        self.0.with(|state| {
            let mut given = 0;
            let mut still_kept = core::ptr::null_mut();
            while !state.kept.is_null() {
                // SAFETY: under the lock; kept records are nobody's.
                let record = unsafe { &mut *state.kept };
                state.kept = record.next;
                // SAFETY: a kept mapping is nobody's.
                let list = if unsafe { pages::unmap(record.base, record.length) } {
                    given += record.length;
                    &mut state.unused
                } else {
                    &mut still_kept
                };
                record.next = *list;
                *list = record;
            }
            state.kept = still_kept;
            given
        })
    }

    /// What the huge blocks hold.
    pub fn stats(&self) -> HugeStats {
        self.0.with(|state| state.stats)
    }
}

impl State {
    /// Makes a record for a mapping and enters it into the page map, which covers it.
    fn enter(&mut self, base: usize, length: usize, start: usize, metadata: &Metadata) -> Option<()> {
        let record = if self.unused.is_null() {
            metadata.allocate(size_of::<Record>())?.cast::<Record>()
        } else {
            let record = self.unused;
            // SAFETY: under the lock; unused records are nobody's.
            self.unused = unsafe { (*record).next };
            record
        };
        // SAFETY: the record is nobody else's.
        unsafe { *record = Record { base, length, start, next: core::ptr::null_mut() } };
        self.announce(record);
        Some(())
    }

    /// Enters a live record into the page map and the statistics.
    fn announce(&mut self, record: *mut Record) {
        // SAFETY: under the lock, and the record is live.
        let (start, usable) = unsafe { ((*record).start, (*record).usable()) };
        page_map::set(start & !(SLICE - 1), SLICE, Entry::Huge(record.cast()));
        self.stats.blocks += 1;
        self.stats.live += usable;
    }

    /// A kept mapping that fits and is not more than twice as large.
    fn reuse(&mut self, size: usize, align: usize) -> Option<usize> {
        let mut link = &raw mut self.kept;
        // SAFETY: under the lock; kept records are nobody's.
        unsafe {
            while !(*link).is_null() {
                let record = *link;
                let (base, length) = ((*record).base, (*record).length);
                let start = pages::round_up(base, align.max(pages::page_size()));
                if start + size <= base + length && length / 2 <= size {
                    *link = (*record).next;
                    (*record).start = start;
                    self.announce(record);
                    return Some(start);
                }
                link = &raw mut (*record).next;
            }
        }
        None
    }

    /// Moves a mapping to where it can be `length` bytes long; returns where it starts then.
    fn relocate(&mut self, record: &mut Record, length: usize) -> Option<usize> {
        // Once the pages have moved there is no way back, so what the map may need for them is there before.
        let spare = self.spare.take().or_else(SpareLeaf::new)?;
        // SAFETY: the mapping is the block's, whose only owner moves it.
        let Some(base) = (unsafe { pages::remap(record.base, record.length, length) }) else {
            self.spare = Some(spare);
            return None;
        };
        let start = base + (record.start - record.base);
        self.spare = spare.cover(start);
        page_map::set(record.start & !(SLICE - 1), SLICE, Entry::None);
        page_map::set(start & !(SLICE - 1), SLICE, Entry::Huge(core::ptr::from_mut(record).cast()));
        Some(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(address: usize) -> *mut u8 {
        match page_map::entry(address) {
            Entry::Huge(record) => record,
            other => panic!("{address:#x} belongs to {other:?}"),
        }
    }

    #[test]
    fn blocks_are_aligned_grow_and_go() {
        static HUGE: Huge = Huge::new();
        static METADATA: Metadata = Metadata::new();
        for align in [16, 4096, 1 << 16, 1 << 22, 1 << 30] {
            let block = HUGE.allocate(3 << 20, align, &METADATA).unwrap();
            let start = block.start as usize;
            assert!(block.zeroed && start.is_multiple_of(align.max(4096)));
            assert!(HUGE.usable_size(start, record(start), Call::Free) >= 3 << 20);
            assert!(HUGE.contains(start, record(start)));
            assert!(start.is_multiple_of(SLICE) || !HUGE.contains(start - 1, record(start)));
            // SAFETY: the block is ours.
            unsafe { block.start.write_bytes(7, 3 << 20) };
            let grown = HUGE.resize(start, record(start), 1 << 30).unwrap();
            // SAFETY: as above; the new bytes read as zeros.
            unsafe { assert_eq!((*grown, *grown.add((3 << 20) - 1), *grown.add(1 << 29)), (7, 7, 0)) };
            let start = grown as usize;
            assert_eq!(HUGE.resize(start, record(start), 3 << 20).unwrap(), grown);
            assert_eq!(HUGE.stats().blocks, 1);
            HUGE.free(start, record(start));
            assert_eq!(page_map::entry(start), Entry::None);
        }
        assert_eq!((HUGE.stats().blocks, HUGE.stats().live), (0, 0));
    }
}
