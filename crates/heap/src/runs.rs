//! Blocks from 32 KiB to 2 MiB: runs of 4 KiB pages in chunks of their own.
//!
//! First fit from the lowest address on, which keeps long runs together at the end. Several shards, each with its lock:
//! a thread takes the first one that is free at the moment, so that one thread alone uses one shard's memory only.

use crate::arena::{Arena, CHUNK};
use crate::locked::Locked;
use crate::metadata::Metadata;
use crate::misuse::{Call, report};
use crate::page_map::{self, Entry};
use crate::single_writer::Count16;
use crate::watch::Watch;
use xalloc_os::{Lock, pages, thread};

/// The unit of a run. Smaller than the kernel's pages on some machines, which then only matters for [`Runs::trim`].
pub const PAGE: usize = 4 << 10;
const PAGES: usize = CHUNK / PAGE;
/// The largest run that shares a chunk with others.
pub const MAX: usize = 2 << 20;
/// The largest alignment a run can have.
pub const MAX_ALIGN: usize = MAX;

mod bitmap;
mod margin;
mod misuse;
mod purge;
use bitmap::Bitmap;

/// The number of shards.
pub const SHARDS: usize = 4;

/// In a run's length: it was freed. Kept for the message about a double free, until something else is there.
const FREED: u16 = 1 << 15;

struct RunChunk {
    base: usize,
    shard: usize,
    next: *mut RunChunk,
    /// No run of free pages is longer.
    longest: usize,
    free: Bitmap<{ PAGES / 64 }>,
    /// Pages that were handed out since they were zeros.
    dirty: Bitmap<{ PAGES / 64 }>,
    /// Pages that were free and dirty when somebody last looked for what can be purged, and were not handed out since.
    aged: Bitmap<{ PAGES / 64 }>,
    /// The length of the run that starts at a page, in pages, with [`FREED`] if it was freed; 0 if none does. Written under
    /// the shard's lock; a run's holder may read its own.
    lengths: [Count16; PAGES],
}

/// The chunks of a shard, in the order of their creation, so that later ones drain.
struct Chunks(*mut RunChunk);

// SAFETY: the chunks belong to the shard, not to a thread.
unsafe impl Send for Chunks {}

/// The runs of a heap, in several shards.
pub struct Runs {
    shards: [Locked<Chunks>; SHARDS],
    watch: Watch,
}

/// A run just handed out.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Its first byte.
    pub start: *mut u8,
    /// Whether it reads as zeros.
    pub zeroed: bool,
}

/// What the runs hold, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunStats {
    /// In runs that the program holds, with their margins.
    pub live: usize,
    /// In free pages that may be resident.
    pub dirty: usize,
}

impl Runs {
    /// Holds nothing yet.
    #[allow(clippy::new_without_default, reason = "a static needs a const fn, which Default cannot be")]
    pub const fn new() -> Self {
        Self { shards: [const { Locked::new(Chunks(core::ptr::null_mut())) }; SHARDS], watch: Watch::new() }
    }

    /// The locks, for fork. Under each, the arena's and the metadata's are taken.
    pub fn locks(&self) -> impl Iterator<Item = &Lock> {
        self.shards.iter().map(Locked::lock)
    }

    /// A run of at least `size` bytes (at most [`MAX`]) aligned to `align` (at most [`MAX_ALIGN`]). `None` if there is
    /// no memory.
    pub fn allocate(&self, size: usize, align: usize, arena: &Arena, metadata: &Metadata) -> Option<Run> {
        let count = margin::length_for(size);
        let align = align.div_ceil(PAGE).max(if margin::is_in(count) { margin::unit() } else { 1 });
        let allocate =
            |index, chunks: &mut Chunks| chunks.allocate(count, align, || open_chunk(index, arena, metadata));
        for (index, shard) in self.shards.iter().enumerate() {
            if let Ok(Some(run)) = shard.try_with(|chunks| allocate(index, chunks)) {
                return Some(run);
            }
        }
        let index = thread::token() / PAGE % SHARDS;
        self.shards[index].with(|chunks| allocate(index, chunks))
    }

    /// Takes a run back. Returns its bytes; 0 if there is none, which is reported, or if it is lost.
    pub fn free(&self, address: usize, record: *mut u8) -> usize {
        // Outside the lock: the kernel may take long. If it refuses, the run stays what it is, and is lost.
        // SAFETY: the caller frees the run, which is nobody else's.
        if self.length_at(address, record).is_some_and(|length| !unsafe { self.restore(address, length) }) {
            return 0;
        }
        let freed = self.with_run(address, record, |chunk, page, length| {
            chunk.release(page, length);
            length * PAGE
        });
        freed.unwrap_or_else(|| {
            report(Call::Free, address, self.misuse_at(address, record));
            0
        })
    }

    /// Makes the pages of a run of `length` pages as they were mapped, for the next block, as far as the program is watched. False
    /// if the kernel refuses: nothing may be there any more.
    ///
    /// # Safety
    /// The run is the caller's, and nobody needs its contents.
    unsafe fn restore(&self, address: usize, length: usize) -> bool {
        // SAFETY: the caller's promise; the run is made of whole pages of the kernel's.
        unsafe { self.is_intact(address, length) || pages::renew(address, length * PAGE) }
    }

    /// Whether the pages of a run are as they were mapped, as far as it has a margin to tell, and the program is watched.
    ///
    /// # Safety
    /// A run of `length` pages starts at `address`, and no other thread frees or resizes it.
    unsafe fn is_intact(&self, address: usize, length: usize) -> bool {
        if !margin::is_in(length) || !self.watch.wants(length * PAGE) {
            return true;
        }
        // SAFETY: the caller's promise.
        let is_intact = unsafe { margin::is_intact(address, length) };
        self.watch.note(length * PAGE, is_intact);
        is_intact
    }

    /// The usable size of the run that starts at this address, if one does.
    pub fn size_at(&self, address: usize, record: *mut u8) -> Option<usize> {
        self.length_at(address, record).map(|length| margin::usable(length) * PAGE)
    }

    /// The length of the run that starts at this address, in pages, if one does.
    fn length_at(&self, address: usize, record: *mut u8) -> Option<usize> {
        let chunk = record.cast::<RunChunk>();
        // SAFETY: records live as long as the process; the length is a single-writer word that the run's holder reads.
        let length = unsafe { (&(*chunk).lengths)[(address - (*chunk).base) / PAGE].get() };
        (length != 0 && length & FREED == 0 && address.is_multiple_of(PAGE)).then_some(length as usize)
    }

    /// Makes a run `size` bytes long where it is. False if its neighbour is in the way, or if pages that it would lose, or have
    /// as its margin, are not as they were mapped.
    pub fn resize(&self, address: usize, record: *mut u8, size: usize) -> bool {
        let wanted = margin::length_for(size);
        let Some(length) = self.length_at(address, record) else { return false };
        if wanted == length {
            return true;
        }
        // SAFETY: the caller resizes the run, which is nobody else's.
        let shrinks_changed = wanted < length && !unsafe { self.is_intact(address, length) };
        let misplaced = margin::is_in(wanted) && !address.is_multiple_of(pages::page_size());
        if misplaced || shrinks_changed {
            return false;
        }
        self.with_run(address, record, |chunk, page, length| chunk.resize(page, length, wanted)).unwrap_or(false)
    }

    /// Calls `f` under the lock with the run's chunk, first page and length. `None` if there is no run at this address.
    fn with_run<T>(
        &self,
        address: usize,
        record: *mut u8,
        f: impl FnOnce(&mut RunChunk, usize, usize) -> T,
    ) -> Option<T> {
        let chunk = record.cast::<RunChunk>();
        // SAFETY: records live as long as the process, and their shard never changes.
        let shard = &self.shards[unsafe { (*chunk).shard }];
        shard.with(|_| {
            // SAFETY: under the lock.
            let chunk = unsafe { &mut *chunk };
            let page = (address - chunk.base) / PAGE;
            let length = chunk.length(page);
            (length != 0 && address.is_multiple_of(PAGE)).then(|| f(chunk, page, length))
        })
    }

    /// What the runs hold.
    pub fn stats(&self) -> RunStats {
        let mut stats = RunStats::default();
        for shard in &self.shards {
            shard.with(|chunks| {
                for chunk in chunks.iter() {
                    // SAFETY: under the lock, one reference at a time.
                    let chunk = unsafe { &*chunk };
                    stats.live += (usable_pages() - chunk.free.count()) * PAGE;
                    stats.dirty += chunk.free.common(&chunk.dirty) * PAGE;
                }
            });
        }
        stats
    }

    /// The number of runs of free pages that may be resident.
    pub fn free_runs(&self) -> usize {
        let mut count = 0;
        for shard in &self.shards {
            shard.with(|chunks| {
                for chunk in chunks.iter() {
                    // SAFETY: under the lock, one reference at a time.
                    let chunk = unsafe { &*chunk };
                    count += chunk.free.and(&chunk.dirty).ranges();
                }
            });
        }
        count
    }
}

/// How many pages of a chunk can be in runs. Two are left at the end for [`pages::is_one_mapping`]: one page that never changes, and one
/// behind it.
fn usable_pages() -> usize {
    PAGES - 2 * margin::unit()
}

/// Adds a chunk to shard `index`, whose lock the caller holds.
fn open_chunk(index: usize, arena: &Arena, metadata: &Metadata) -> Option<*mut RunChunk> {
    let (base, record) = arena.take_chunk(metadata, size_of::<RunChunk>())?;
    let record = record.cast::<RunChunk>();
    // SAFETY: a zeroed record of the right size, nobody else's; zeros are valid in every field.
    unsafe {
        (*record).base = base;
        (*record).shard = index;
        (*record).longest = PAGES;
        (*record).free.set_range(0, usable_pages());
    }
    page_map::set(base, CHUNK, Entry::Runs(record.cast()));
    Some(record)
}

impl Chunks {
    fn iter(&self) -> impl Iterator<Item = *mut RunChunk> + use<> {
        let present = |chunk: *mut RunChunk| (!chunk.is_null()).then_some(chunk);
        // SAFETY: chunks are never unmapped; the links change under the lock that the caller holds.
        core::iter::successors(present(self.0), move |&chunk| present(unsafe { (*chunk).next }))
    }

    fn allocate(&mut self, count: usize, align: usize, open: impl FnOnce() -> Option<*mut RunChunk>) -> Option<Run> {
        let mut last = core::ptr::null_mut::<RunChunk>();
        for chunk in self.iter() {
            last = chunk;
            // SAFETY: under the lock, one reference at a time; as below.
            unsafe {
                // Here, and not in there: a program with many blocks passes many chunks for each.
                if (*chunk).longest >= count
                    && let Some(run) = (*chunk).allocate(count, align)
                {
                    return Some(run);
                }
            }
        }
        let chunk = open()?;
        if last.is_null() {
            self.0 = chunk;
        } else {
            // SAFETY: as above.
            unsafe { (*last).next = chunk };
        }
        // SAFETY: as above.
        unsafe { (*chunk).allocate(count, align) }
    }
}

impl RunChunk {
    /// The length in pages of the run that starts at a page; 0 if none does.
    fn length(&self, page: usize) -> usize {
        match self.lengths[page].get() {
            length if length & FREED == 0 => length as usize,
            _ => 0,
        }
    }

    /// The length in pages of the run that was freed last of those that started at a page; 0 if none did.
    fn freed_length(&self, page: usize) -> usize {
        match self.lengths[page].get() {
            length if length & FREED != 0 => (length & !FREED) as usize,
            _ => 0,
        }
    }

    fn allocate(&mut self, count: usize, align: usize) -> Option<Run> {
        let Some(page) = self.free.find(count, align) else {
            // An aligned search may miss runs that an unaligned one finds, so only the latter bounds them.
            if align <= 1 {
                self.longest = count - 1;
            }
            return None;
        };
        let zeroed = self.take(page, count);
        self.lengths[page].set(count as u16);
        Some(Run { start: (self.base + page * PAGE) as *mut u8, zeroed })
    }

    /// Marks free pages as handed out. Whether they read as zeros.
    fn take(&mut self, page: usize, count: usize) -> bool {
        let zeroed = self.dirty.none_in(page, count);
        self.free.clear_range(page, count);
        self.dirty.set_range(page, count);
        self.aged.clear_range(page, count);
        zeroed
    }

    fn release(&mut self, page: usize, length: usize) {
        self.lengths[page].set(length as u16 | FREED);
        self.put_back(page, length);
    }

    /// Marks pages as free.
    fn put_back(&mut self, page: usize, count: usize) {
        self.free.set_range(page, count);
        // It bounds nothing as long as all that was asked for was found.
        if self.longest < PAGES {
            let (_, merged) = self.free.range_around(page);
            self.longest = self.longest.max(merged);
        }
    }

    fn resize(&mut self, page: usize, length: usize, wanted: usize) -> bool {
        if wanted < length {
            self.put_back(page + wanted, length - wanted);
        } else if wanted > length {
            if page + wanted > PAGES || !self.free.all_in(page + length, wanted - length) {
                return false;
            }
            self.take(page + length, wanted - length);
        }
        self.lengths[page].set(wanted as u16);
        true
    }
}

#[cfg(test)]
mod tests;
