//! What a heap holds, in numbers.

/// What a heap holds, in bytes unless said otherwise, in jemalloc's words where it has one. Exact while no other thread uses
/// the heap, near otherwise. docs/statistics.md explains each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// In blocks that the program holds, as [`Heap::usable_size`](crate::Heap::usable_size) counts them.
    pub allocated: usize,
    /// In slabs, runs and huge blocks that are in use: what is allocated, and what is free inside of them.
    pub active: usize,
    /// In free pages that were not purged yet, so that they may be resident: what [`Heap::trim`](crate::Heap::trim) would purge
    /// now.
    pub dirty: usize,
    /// In the heap's own records.
    pub metadata: usize,
    /// In addresses that are kept without pages: purged, or not used yet.
    pub retained: usize,
    /// In free blocks in the caches of threads: a part of `active`.
    pub thread_cache: usize,
    /// In blocks that another thread freed and that their owner has not taken back: still a part of `allocated`, rounded up.
    pub remote_frees: usize,
    /// The number of huge blocks: those with a mapping of their own.
    pub huge_blocks: usize,
    /// In huge blocks: a part of `allocated`.
    pub huge_allocated: usize,
    /// The most huge blocks that there ever were.
    pub huge_blocks_peak: usize,
    /// The most bytes that were ever in huge blocks.
    pub huge_allocated_peak: usize,
    /// The most that was seen of [`Stats::held`]: looked at now, and whenever the heap has grown by a little.
    pub held_peak: usize,
    /// The number of pieces of free memory in [`Stats::held`]: blocks, pages, mappings that are kept.
    pub free_pieces: usize,
    /// The number of requests for memory that the kernel refused.
    pub refused: usize,
    /// How often the heap was called, if it counts that.
    pub calls: Option<Calls>,
}

impl Stats {
    /// The most that may be resident: what is active or dirty, and the records.
    pub fn resident(&self) -> usize {
        self.active + self.dirty + self.metadata
    }

    /// The address space in use: what may be resident, and what is retained.
    pub fn mapped(&self) -> usize {
        self.resident() + self.retained
    }

    /// What is active or dirty, but for huge blocks.
    pub fn held(&self) -> usize {
        self.active.saturating_sub(self.huge_allocated) + self.dirty
    }
}

/// How often a heap was called, and what it served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Blocks that were handed out, those that `realloc` moved included.
    pub allocations: u64,
    /// Blocks that came back.
    pub frees: u64,
    /// The most bytes that the program held at a time.
    pub peak: usize,
}
