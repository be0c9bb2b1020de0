//! Blocks from 32 KiB to almost 2 MiB: runs of 4 KiB pages in chunks of their own.
//!
//! First fit from the lowest address on, which keeps long runs together at the end. Several shards, each with its lock:
//! a thread takes the first one that is free at the moment, so that one thread alone uses one shard's memory only.

use crate::arena::Arena;
use crate::locked::Locked;
use crate::metadata::Metadata;
use crate::page_map::Entry;
use crate::watch::Watch;
use xalloc_heap::Misuse;
use xalloc_os::{Lock, pages, thread};

pub use run_chunk::{KIND, MAX, MAX_ALIGN, PAGE, Run};

mod bitmap;
mod chunks;
mod margin;
mod misuse;
mod purge;
mod run_chunk;
use chunks::Chunks;
use run_chunk::{PAGES, RunChunk};

/// The number of shards.
pub const SHARDS: usize = 4;

/// The runs of a heap, in several shards.
pub struct Runs {
    shards: [Locked<Chunks>; SHARDS],
    watch: Watch,
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
    /// Returns the runs of a heap that has none.
    pub const fn new() -> Self {
        Self { shards: [const { Locked::new(Chunks::new()) }; SHARDS], watch: Watch::new() }
    }

    /// Returns the locks, for fork. Under each, the arena's and the metadata's are taken.
    pub fn locks(&self) -> impl Iterator<Item = &Lock> {
        self.shards.iter().map(Locked::lock)
    }

    /// Returns a run of at least `size` bytes (at most [`MAX`]) aligned to `align` (at most [`MAX_ALIGN`]). `None` if there is
    /// no memory.
    pub fn allocate(&self, size: usize, align: usize, arena: &Arena, metadata: &Metadata) -> Option<Run> {
        let count = margin::length_for(size);
        let align = align.div_ceil(PAGE).max(if margin::is_in(count) { margin::unit() } else { 1 });
        let allocate = |index, chunks: &mut Chunks| {
            chunks.allocate(count, align).or_else(|| {
                let chunk = chunks.open(index, arena, metadata)?;
                chunks.locked(chunk).allocate(count, align)
            })
        };
        for (index, shard) in self.shards.iter().enumerate() {
            if let Ok(Some(run)) = shard.try_with(|chunks| allocate(index, chunks)) {
                return Some(run);
            }
        }
        let index = thread::token() / PAGE % SHARDS;
        self.shards[index].with(|chunks| allocate(index, chunks))
    }

    /// Takes the run at `address` back, which has this entry in the page map. Returns its usable size; 0 if it is lost.
    ///
    /// # Errors
    /// What there is at the address instead.
    pub fn free(&self, address: usize, entry: Entry) -> Result<usize, Misuse> {
        // Outside the lock: the kernel may take long. If it refuses, the run stays what it is, and is lost.
        // SAFETY: the caller frees the run, which is nobody else's.
        if self.length_at(address, entry).is_some_and(|length| !unsafe { self.restore(address, length) }) {
            return Ok(0);
        }
        let freed = self.with_run(address, entry, |chunks, chunk, page, length| {
            chunks.locked(chunk).release(page, length);
            chunks.note_empty(chunk);
            margin::usable(length) * PAGE
        });
        freed.ok_or_else(|| self.misuse_at(address, entry))
    }

    /// Makes the pages of a run of `length` pages as they were mapped, for the next block, as far as the program is watched.
    /// Returns false if the kernel refuses: nothing may be there any more.
    ///
    /// # Safety
    /// The run is the caller's, and nobody needs its contents.
    unsafe fn restore(&self, address: usize, length: usize) -> bool {
        // SAFETY: the run is the caller's, so no other thread changes it, and is made of whole pages of the kernel's.
        unsafe { self.is_intact(address, length) || pages::renew(address, length * PAGE) }
    }

    /// Returns whether the pages of a run are as they were mapped, as far as it has a margin to tell, and the program is
    /// watched.
    ///
    /// # Safety
    /// A run of `length` pages starts at `address`, and no other thread frees or resizes it.
    unsafe fn is_intact(&self, address: usize, length: usize) -> bool {
        if !margin::is_in(length) || !self.watch.wants(length * PAGE) {
            return true;
        }
        // SAFETY: a run of that length starts there, and is the caller's.
        let is_intact = unsafe { margin::is_intact(address, length) };
        self.watch.note(length * PAGE, is_intact);
        is_intact
    }

    /// Returns what there is at an address that has this entry in the page map, and where no run starts.
    pub fn misuse_at(&self, address: usize, entry: Entry) -> Misuse {
        let chunk = RunChunk::of(entry);
        self.shards[chunk.shard].with(|chunks| chunk.misuse_at(address, chunks.pages(chunk)))
    }

    /// Returns the usable size of the run that starts at this address, which has this entry in the page map, if one does.
    pub fn size_at(&self, address: usize, entry: Entry) -> Option<usize> {
        self.length_at(address, entry).map(|length| margin::usable(length) * PAGE)
    }

    /// Returns the length of the run that starts at this address, in pages, if one does.
    fn length_at(&self, address: usize, entry: Entry) -> Option<usize> {
        let chunk = RunChunk::of(entry);
        // If it is no run, the record may be another chunk's by now.
        let length = chunk.length(chunk.page_at(address)?);
        (length != 0 && address.is_multiple_of(PAGE)).then_some(length)
    }

    /// Makes the run at `address`, which has this entry in the page map, `size` bytes long where it is. Returns false if its
    /// neighbour is in the way, or if pages that it would lose, or have as its margin, are not as they were mapped.
    pub fn resize(&self, address: usize, entry: Entry, size: usize) -> bool {
        let wanted = margin::length_for(size);
        let Some(length) = self.length_at(address, entry) else { return false };
        if wanted == length {
            return true;
        }
        // SAFETY: the caller resizes the run, which is nobody else's.
        let shrinks_changed = wanted < length && !unsafe { self.is_intact(address, length) };
        let misplaced = margin::is_in(wanted) && !address.is_multiple_of(pages::page_size());
        if misplaced || shrinks_changed {
            return false;
        }
        let resize = |chunks: &mut Chunks, chunk, page, length| chunks.locked(chunk).resize(page, length, wanted);
        self.with_run(address, entry, resize).unwrap_or(false)
    }

    /// Calls `f` under the lock with the shard's chunks, the run's chunk, its first page and its length. `None` if there is no
    /// run at this address.
    fn with_run<T>(
        &self,
        address: usize,
        entry: Entry,
        f: impl FnOnce(&mut Chunks, &'static RunChunk, usize, usize) -> T,
    ) -> Option<T> {
        let chunk = RunChunk::of(entry);
        self.shards[chunk.shard].with(|chunks| {
            let page = chunk.page_at(address)?;
            let length = chunk.length(page);
            (length != 0 && address.is_multiple_of(PAGE)).then(|| f(chunks, chunk, page, length))
        })
    }

    /// Gives chunks without runs to the arena, `most` at most. Returns how many it gave.
    pub fn release_empty(&self, most: usize, arena: &Arena, metadata: &Metadata) -> usize {
        let mut given = 0;
        for shard in &self.shards {
            given += shard.with(|chunks| chunks.release_empty(most - given, arena, metadata));
        }
        given
    }

    /// Returns what the runs hold.
    pub fn stats(&self) -> RunStats {
        let mut stats = RunStats::default();
        for shard in &self.shards {
            shard.with(|chunks| {
                for chunk in chunks.iter() {
                    let pages = chunks.pages(chunk);
                    stats.live += pages.used * PAGE;
                    stats.dirty += pages.free.common(&pages.dirty) * PAGE;
                }
            });
        }
        stats
    }

    /// Returns the number of runs of free pages that may be resident, and the bytes in margins. Looks at every page of every
    /// chunk.
    pub fn free_runs_and_margins(&self) -> (usize, usize) {
        let (mut count, mut margins) = (0, 0);
        for shard in &self.shards {
            shard.with(|chunks| {
                for chunk in chunks.iter() {
                    let pages = chunks.pages(chunk);
                    count += pages.free.and(&pages.dirty).ranges();
                    let lengths = (0..PAGES).map(|page| chunk.length(page));
                    margins += lengths.map(|length| length - margin::usable(length)).sum::<usize>() * PAGE;
                }
            });
        }
        (count, margins)
    }
}

#[cfg(test)]
mod tests;
