//! The back end of a heap: where slabs come from, and blocks that have no size class.

use crate::arena::Arena;
use crate::cached::Cached;
use crate::footprint::Footprint;
use crate::held::Held;
use crate::huge::{self, Huge, HugeBlock, Stays};
use crate::metadata::Metadata;
use crate::page_map::{self, Entry, SLICE};
use crate::purge_scope::PurgeScope;
use crate::runs::{self, Runs};
use crate::size_class::Class;
use crate::slab::Slab;
use xalloc_heap::{Misuse, Refusal, Stats};
use xalloc_os::{Lock, refusals};

/// The back end.
pub struct BackEnd {
    /// Address space for slabs and runs.
    pub arena: Arena,
    /// Memory for records.
    pub metadata: Metadata,
    /// Blocks of whole pages.
    pub runs: Runs,
    /// Blocks with a mapping of their own.
    pub huge: Huge,
    /// How much was ever in use.
    pub footprint: Footprint,
}

/// What a block is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// A slab.
    Slab,
    /// Pages of a chunk.
    Run,
    /// A mapping of its own.
    Huge,
}

/// What became of a large block that was to be resized where it is.
pub enum Resized {
    /// It has the size, at this address, and is of this kind.
    At(BlockKind, *mut u8),
    /// It has to be copied.
    Copy,
    /// The kernel refused memory for it.
    Refused,
}

/// Returns whether a block of this size and alignment, which has no size class, is a run. Otherwise it is a huge block.
pub fn is_run(size: usize, align: usize) -> bool {
    size <= runs::MAX && align <= runs::MAX_ALIGN
}

/// Returns how many bytes to allocate for a block of `old` usable bytes that is to have `size`. One that grows a little will
/// probably grow again: a buffer that is extended piece by piece is copied now and then, not each time. Small ones are copied
/// for less than the memory would cost.
#[inline]
pub fn with_room_to_grow(old: usize, size: usize) -> usize {
    room_to_grow(old, size, runs::MAX)
}

/// [`with_room_to_grow`] for blocks up to `most` bytes: larger ones are not copied when they grow.
#[inline]
pub fn room_to_grow(old: usize, size: usize, most: usize) -> usize {
    const FROM: usize = 16 << 10;
    let grown = old + old / 2;
    if old >= FROM && (old..grown).contains(&size) && grown <= most { grown } else { size }
}

impl BackEnd {
    /// Returns a back end that holds nothing.
    pub const fn new() -> Self {
        Self {
            arena: Arena::new(),
            metadata: Metadata::new(),
            runs: Runs::new(),
            huge: Huge::new(),
            footprint: Footprint::new(),
        }
    }

    /// Returns its locks, in the order in which they nest, for fork.
    pub fn locks(&self) -> impl Iterator<Item = &Lock> {
        self.runs.locks().chain([self.huge.lock(), self.arena.lock(), self.metadata.lock()])
    }

    /// Returns what slabs, runs and huge blocks hold. Takes a look at every chunk.
    pub fn held(&self) -> Held {
        let (arena, runs, huge) = (self.arena.stats(), self.runs.stats(), self.huge.stats());
        Held {
            live: arena.in_slabs + runs.live + huge.live,
            free: arena.dirty + runs.dirty + huge.kept,
            huge: huge.live,
        }
    }

    /// Notes that blocks of a kind take `bytes` more than before. What the other kinds keep goes, as far as it is more than
    /// was once in use: nearly all of it if the heap `is_lean`.
    pub fn grew(&self, kind: BlockKind, bytes: usize, is_lean: bool) {
        let Some(grown) = self.footprint.grew(bytes) else { return };
        let mut surplus = self.footprint.surplus(&self.held(), grown, is_lean);
        for other in [BlockKind::Huge, BlockKind::Run, BlockKind::Slab] {
            if other != kind && surplus > 0 {
                surplus = surplus.saturating_sub(match other {
                    BlockKind::Huge => self.huge.purge(surplus),
                    BlockKind::Run => self.runs.purge(surplus, PurgeScope::Whole),
                    BlockKind::Slab => self.arena.purge(surplus, PurgeScope::Whole),
                });
            }
        }
    }

    /// Returns an unused slab of `class`, which is in the page map for nobody; `fills` as [`Arena::take_slab`] has it. `None`
    /// if there is no memory.
    pub fn take_slab(&self, class: &'static Class, fills: bool) -> Option<&'static Slab> {
        // A chunk that runs do without, before a fresh one.
        let more = || self.runs.release_empty(1, &self.arena, &self.metadata) > 0;
        self.arena.take_slab(class, fills, &self.metadata, more)
    }

    /// Takes back a slab. Returns how many bytes it has.
    ///
    /// # Safety
    /// The slab is this back end's, the caller's, in no set, and no block of it is used.
    pub unsafe fn give_slab(&self, slab: &Slab) -> usize {
        let bytes = slab.bytes();
        // SAFETY: the slab is of this arena, in no set, and none of its blocks is used.
        unsafe {
            slab.unregister();
            self.arena.give_slab(slab);
        }
        bytes
    }

    /// Returns a run or a huge block of `size` bytes, of zeros if that costs nothing more than `zeros` allows, and which of the
    /// two it is. `None` if there is no memory.
    pub fn allocate(&self, size: usize, align: usize, zeros: bool) -> Option<(BlockKind, HugeBlock)> {
        let run = if is_run(size, align) { self.allocate_run(size, align) } else { None };
        // Without address space for a whole chunk, a mapping of just this size may still be had.
        run.or_else(|| self.allocate_huge(size, align, zeros))
    }

    /// Returns a run; the size and the alignment are such that [`is_run`]. `None` if there is no memory.
    pub fn allocate_run(&self, size: usize, align: usize) -> Option<(BlockKind, HugeBlock)> {
        let run = self.runs.allocate(size, align, &self.arena, &self.metadata)?;
        Some((BlockKind::Run, HugeBlock { start: run.start, zeroed: run.zeroed }))
    }

    /// Returns a huge block; with `zeros` as [`BackEnd::allocate`] has it. `None` if there is no memory.
    pub fn allocate_huge(&self, size: usize, align: usize, zeros: bool) -> Option<(BlockKind, HugeBlock)> {
        Some((BlockKind::Huge, self.huge.allocate(size, align, zeros, &self.metadata)?))
    }

    /// Takes back the run or the huge block at `address`, which has this entry in the page map. Returns how many bytes it had.
    ///
    /// # Errors
    /// What there is at the address.
    pub fn free(&self, address: usize, entry: Entry) -> Result<usize, Refusal> {
        match entry.kind() {
            runs::KIND => Ok(self.runs.free(address, entry)?),
            huge::KIND => self.huge.free(address, entry),
            _ => Err(self.refuse_unknown(address)),
        }
    }

    /// Returns the usable size of the run or the huge block that starts at `address`. Any address may be asked about.
    ///
    /// # Errors
    /// What there is at the address.
    pub fn size_at(&self, address: usize, entry: Entry) -> Result<usize, Refusal> {
        match entry.kind() {
            runs::KIND => {
                let size = self.runs.size_at(address, entry);
                size.ok_or_else(|| self.runs.misuse_at(address, entry).into())
            }
            huge::KIND => self.huge.size_at(address, entry).ok_or_else(|| self.huge.refusal_at(address, entry)),
            _ => Err(self.refuse_unknown(address)),
        }
    }

    /// Resizes the large block at `address` without copying it, where that gives what a fresh block of `size` bytes would be.
    /// `smallest` is the least size of a run.
    pub fn resize(&self, address: usize, size: usize, smallest: usize) -> Resized {
        let entry = page_map::entry(address);
        match entry.kind() {
            runs::KIND if size >= smallest && size <= runs::MAX => {
                if self.runs.resize(address, entry, size) {
                    Resized::At(BlockKind::Run, address as *mut u8)
                } else {
                    Resized::Copy
                }
            }
            huge::KIND if size > runs::MAX => match self.huge.resize(address, entry, size) {
                Ok(block) => Resized::At(BlockKind::Huge, block),
                Err(Stays::Refused) => Resized::Refused,
                Err(_) => Resized::Copy,
            },
            _ => Resized::Copy,
        }
    }

    /// Returns what is wrong with an address in memory of runs or huge blocks where none starts: also behind the first slice of
    /// a huge block, which is all of it that is in the page map.
    pub fn misuse_at(&self, address: usize, entry: Entry) -> Option<Misuse> {
        match self.size_at(address, entry) {
            Ok(_) => None,
            Err(Refusal::Misuse(misuse)) => Some(misuse),
            Err(Refusal::NotMine) => self.huge.misuse_at(address),
        }
    }

    /// Returns what the heap holds. What is `cached` of its slabs' blocks counts as free.
    pub fn stats(&self, cached: Cached) -> Stats {
        let mut live = 0;
        let (mut free_pieces, margins) = self.runs.free_runs_and_margins();
        self.arena.for_each_slab(|slab| {
            live += slab.used() * slab.shape().size as usize;
            free_pieces += slab.shape().capacity as usize - slab.used();
        });
        let (arena, runs, huge) = (self.arena.stats(), self.runs.stats(), self.huge.stats());
        let (small, large) = (live.saturating_sub(cached.bytes), runs.live.saturating_sub(margins));
        let (active, dirty) = (arena.in_slabs + runs.live + huge.live, arena.dirty + runs.dirty + huge.kept);
        Stats {
            allocated: small + large + huge.live,
            active,
            dirty,
            metadata: self.metadata.used(),
            retained: (arena.reserved + self.huge.mapped()).saturating_sub(active + dirty),
            thread_cache: cached.bytes,
            remote_frees: 0,
            huge_blocks: huge.blocks,
            huge_allocated: huge.live,
            huge_blocks_peak: huge.blocks_peak,
            huge_allocated_peak: huge.peak,
            held_peak: self.footprint.held_peak(active + dirty - huge.live),
            free_pieces: free_pieces + cached.blocks + arena.dirty / SLICE + huge.kept_mappings,
            refused: refusals::count(),
            calls: None,
        }
    }

    /// Purges free memory, but for about `keep` bytes. Returns whether any was purged.
    pub fn trim(&self, keep: usize) -> bool {
        let surplus = match keep {
            // All, also of what other threads free meanwhile.
            0 => usize::MAX,
            keep => self.dirty().saturating_sub(keep),
        };
        if keep == 0 {
            self.release_chunks();
        }
        let given = self.purge(surplus, PurgeScope::All) + self.huge.trim();
        if keep == 0 {
            self.arena.unmap();
        }
        given > 0
    }

    /// Returns how many bytes of free pages of slabs and runs there are that may be resident.
    pub fn dirty(&self) -> usize {
        self.arena.stats().dirty + self.runs.stats().dirty
    }

    /// Purges about `surplus` bytes of free pages of slabs and runs, at most. Returns how many bytes it did.
    pub fn purge(&self, surplus: usize, scope: PurgeScope) -> usize {
        let given = self.runs.purge(surplus, scope);
        given + self.arena.purge(surplus.saturating_sub(given), scope)
    }

    /// Unmaps freed mappings and gives the arena all chunks without runs back, when the kernel has refused memory. Returns
    /// whether there is anything to be had that was not there when [`Arena::unmap`] was called last.
    pub fn collect_unused(&self) -> bool {
        self.release_chunks();
        self.huge.trim() > 0 || self.arena.has_more()
    }

    /// Gives the arena all chunks without runs back.
    pub fn release_chunks(&self) {
        self.runs.release_empty(usize::MAX, &self.arena, &self.metadata);
    }

    /// Returns what an address is that the page map has nothing for.
    fn refuse_unknown(&self, address: usize) -> Refusal {
        if self.arena.contains(address) { Misuse::FreeMemory.into() } else { Refusal::NotMine }
    }
}
