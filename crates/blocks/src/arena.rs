//! Address space for slabs and runs: regions from the kernel or another [`Source`], cut into chunks of 4 MiB, cut into slices
//! of 64 KiB.
//!
//! A free slice can be purged ([`Arena::purge`]), and a chunk's last slices unmapped ([`Arena::unmap`]); a chunk
//! without slabs may become one of runs ([`Arena::take_chunk`]). Its record stays for ever, for another chunk. Slices that were
//! used before are reused first, because touching a fresh page is the dearest thing an allocator does.

use crate::huge_pages;
use crate::locked::Locked;
use crate::metadata::Metadata;
use crate::page_map::SLICE;
use crate::purge_scope::PurgeScope;
use crate::size_class::Class;
use crate::slab::Slab;
use crate::source::{Kernel, Source};
use xalloc_os::Lock;

mod exchange;
mod opening;
mod records;
mod regions;
mod slices;
use records::{Chunk, Records, Standing};
use regions::Regions;
pub use slices::CHUNK;
use slices::{Slices, best, slice_mask};

/// How many chunks are looked at for used slices before fresh ones are taken.
const LOOK_FOR_DIRTY: usize = 8;

struct State<S> {
    regions: Regions<S>,
    records: Records,
    /// Whether slices became free since [`Arena::unmap`] last looked for some.
    has_more: bool,
    /// Whether slabs that will be filled get huge pages, as it was when memory was last claimed for slabs.
    is_filling: bool,
}

/// Slices that were taken for a slab.
struct Taken {
    chunk: &'static Chunk,
    /// The first address of the chunk, which stays as long as slices of it are taken.
    base: usize,
    /// The first of the slices.
    index: usize,
    /// The slices that were taken beside, because their huge page is to be tried.
    untried: u64,
}

/// The memory from which slabs and chunks are taken, and to which they return.
pub struct Arena<S: Source = Kernel>(Locked<State<S>>);

/// What the arena holds, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ArenaStats {
    /// In slices that belong to slabs.
    pub in_slabs: usize,
    /// In free slices whose pages may be resident.
    pub dirty: usize,
    /// In regions.
    pub reserved: usize,
}

impl Arena {
    /// Returns an arena without regions, which will have the kernel's memory.
    pub const fn new() -> Self {
        Self::with_source(Kernel)
    }
}

impl<S: Source> Arena<S> {
    /// Returns an arena without regions, which will have memory of `source`.
    pub const fn with_source(source: S) -> Self {
        let (regions, records) = (Regions::new(source), Records::new());
        Self(Locked::new(State { regions, records, has_more: false, is_filling: false }))
    }

    /// Makes the arena reserve no more address space than is asked for. Called before the first allocation.
    pub fn reserve_on_demand(&self) {
        self.0.with(|state| state.regions.reserve_on_demand());
    }

    /// Has at least so many bytes of address space reserved at first. Before the first allocation.
    pub fn reserve_first(&self, capacity: usize) {
        self.0.with(|state| state.regions.set_first(capacity));
    }

    /// Returns the lock, for fork. Under it, only the metadata's is taken.
    pub fn lock(&self) -> &Lock {
        self.0.lock()
    }

    /// Returns an unused slab of `class`, which is not in the page map yet. `None` if there is no memory.
    ///
    /// `fills` says that the heap has slabs of the class and no block of them is free. `more` is called before a fresh chunk is
    /// opened; it returns whether it brought the arena slices.
    pub fn take_slab(
        &self,
        class: &'static Class,
        fills: bool,
        metadata: &Metadata,
        more: impl Fn() -> bool,
    ) -> Option<&'static Slab> {
        let slices = class.slices as usize;
        // In a larger slab there may be pages that the program does not touch even if it fills it with blocks.
        let fills = fills && (slices == 1 || huge_pages::are_for_all_slabs());
        let find = || self.0.with(|state| state.find_for(slices, fills));
        let found = find().or_else(|| if more() { find() } else { None });
        let taken = found.or_else(|| self.0.with(|state| state.find_or_open(slices, fills, metadata)))?;
        if taken.untried != 0 {
            self.try_huge_page(&taken);
        }
        let slab = &taken.chunk.slabs[taken.index];
        let (start, chunk) = (taken.base + taken.index * SLICE, core::ptr::from_ref(taken.chunk).cast_mut());
        // SAFETY: the slices are the chunk's, which is covered, and were taken just now, and with them the record of the first.
        unsafe { slab.open(class, start, chunk.cast()) };
        Some(slab)
    }

    /// Has the first huge page of the chunk made, in which all free slices were taken for that. Outside the lock: the kernel
    /// may take long.
    fn try_huge_page(&self, taken: &Taken) {
        let source = self.source();
        let is_in_time = huge_pages::try_one(|| source.populate(taken.base, huge_pages::SIZE));
        self.0.with(|state| {
            if !is_in_time {
                state.retract_huge_pages(taken.chunk);
            }
            state.give(taken.chunk, taken.untried);
        });
    }

    /// Takes a slab's slices back.
    ///
    /// # Safety
    /// The slab is this arena's and the caller's, is not in the page map any more, and none of its blocks is used.
    pub unsafe fn give_slab(&self, slab: &Slab) {
        debug_assert_eq!(slab.used(), 0);
        // SAFETY: `take_slab` put the address of the slab's chunk there, whose record is for ever.
        let chunk = unsafe { &*slab.chunk().cast::<Chunk>() };
        let count = slab.shape().slices as usize;
        self.0.with(|state| {
            let index = (slab.start() - state.records.slices(chunk).base) / SLICE;
            state.give(chunk, slice_mask(index, count));
        });
    }

    /// Gives pages of free slices back to the kernel, about `surplus` bytes at most. Returns how many bytes it gave.
    pub fn purge(&self, surplus: usize, scope: PurgeScope) -> usize {
        let mut given = 0;
        let mut next = self.0.with(|state| state.records.newest());
        while let Some(chunk) = next
            && given < surplus
        {
            given += self.purge_chunk(chunk, scope);
            next = chunk.older();
        }
        given
    }

    /// Purges a chunk. Outside the lock while the kernel works: meanwhile the slices are not free, so no slab is made of them.
    fn purge_chunk(&self, chunk: &'static Chunk, scope: PurgeScope) -> usize {
        let (source, base, victims) = self.0.with(|state| {
            let slices = state.records.slices(chunk);
            let (source, base, victims) = (state.regions.source, slices.base, slices.victims(scope));
            state.take(chunk, victims);
            if scope == PurgeScope::Aged {
                state.change(chunk, |slices| slices.aged = slices.dirty);
            }
            (source, base, victims)
        });
        if victims == 0 {
            return 0;
        }
        // SAFETY: the slices were free and were taken out just now, so no slab is in them, and the chunk cannot change its
        // kind.
        let purged = unsafe { slices::purge_slices(source, base, victims) };
        self.0.with(|state| {
            // The next slab in a huge page without pages would make all of it resident again.
            if scope != PurgeScope::Whole && state.records.slices(chunk).huge {
                state.retract_huge_pages(chunk);
            }
            state.give(chunk, victims);
            state.change(chunk, |slices| slices.dirty &= !purged);
            // Chunks with pages are found first: a search looks at a few only.
            state.records.move_to_end(chunk);
        });
        purged.count_ones() as usize * SLICE
    }

    /// Unmaps the last slices of each chunk, as far as they are free, and the address space of which no chunk was made yet.
    /// Returns how many bytes it unmapped.
    pub fn unmap(&self) -> usize {
        self.0.with(|state| {
            let mut given = state.regions.unmap_closed();
            // A program that lives at its limit comes here with every request.
            if core::mem::take(&mut state.has_more) {
                given += state.records.all().map(|chunk| state.unmap_end(chunk)).sum::<usize>();
            }
            given
        })
    }

    /// Returns whether slices became free since [`Arena::unmap`] was called last.
    pub fn has_more(&self) -> bool {
        self.0.with(|state| state.has_more)
    }

    /// Calls `f` while no slice is unmapped, under the lock: nothing of the arena may be called.
    pub fn while_mapped<T>(&self, f: impl FnOnce() -> T) -> T {
        self.0.with(|_| f())
    }

    /// Keeps all pages resident that are mapped for slabs now, those of free slices too, or (`wanted` false) no longer. False
    /// if the source refuses some; the others are as they are wanted then. What the arena maps later is not locked; pages that
    /// are locked are not purged.
    ///
    /// Under the lock: the source may take long to make all of them resident.
    pub fn lock_pages(&self, wanted: bool) -> bool {
        self.0.with(|state| {
            let (source, chunks) =
                (state.regions.source, state.records.chunks().filter(|(_, slices)| slices.mapped() > 0));
            chunks.fold(true, |all, (_, slices)| source.lock(slices.base, slices.mapped() * SLICE, wanted) && all)
        })
    }

    fn source(&self) -> S {
        self.0.with(|state| state.regions.source)
    }

    /// Returns what the arena holds.
    pub fn stats(&self) -> ArenaStats {
        self.0.with(|state| state.stats())
    }

    /// Returns whether `address` lies in a slice of a slab chunk: what once was, or could become, a block.
    pub fn contains(&self, address: usize) -> bool {
        let is_in = |slices: &Slices| address.wrapping_sub(slices.base) < slices.mapped() * SLICE;
        self.0.with(|state| state.records.chunks().any(|(_, slices)| is_in(slices)))
    }

    /// Calls `each` with every slab in use, under the lock: nothing of the arena may be called.
    pub fn for_each_slab(&self, mut each: impl FnMut(&Slab)) {
        self.0.with(|state| {
            for (chunk, slices) in state.records.chunks() {
                chunk.slabs_in_use(slices).for_each(&mut each);
            }
        });
    }
}

impl<S: Source> State<S> {
    fn stats(&self) -> ArenaStats {
        let mut stats = ArenaStats { reserved: self.regions.reserved(), ..Default::default() };
        for (_, slices) in self.records.chunks() {
            let mapped = slices.mapped();
            stats.in_slabs += (mapped - slices.free.count_ones() as usize) * SLICE;
            stats.reserved -= CHUNK - mapped * SLICE;
            stats.dirty += slices.dirty.count_ones() as usize * SLICE;
        }
        stats
    }

    /// Takes `count` (1 or 8) slices out of a chunk, of those that `usable` says: used ones, if the first few chunks have any,
    /// and of a chunk that has slabs rather than of one that could become one of runs.
    fn find(&mut self, count: usize, usable: impl Fn(&Slices) -> u64) -> Option<Taken> {
        let partial = self.search(Standing::Partial, count, &usable);
        let is_dirty = |found: &(&'static Chunk, usize, bool)| found.2;
        let whole =
            if partial.as_ref().is_some_and(is_dirty) { None } else { self.search(Standing::Whole, count, &usable) };
        let (chunk, index, _) = whole.filter(|found| partial.is_none() || is_dirty(found)).or(partial)?;
        self.take(chunk, slice_mask(index, count));
        Some(Taken { chunk, base: self.records.slices(chunk).base, index, untried: 0 })
    }

    /// Returns a chunk in a list, the first of `count` free slices in it, and whether they were used before.
    fn search(
        &self,
        standing: Standing,
        count: usize,
        usable: impl Fn(&Slices) -> u64,
    ) -> Option<(&'static Chunk, usize, bool)> {
        let mut found = None;
        for (looked, (chunk, slices)) in self.records.list(standing).enumerate() {
            if looked >= LOOK_FOR_DIRTY && found.is_some() {
                break;
            }
            let Some(index) = best(usable(slices), slices.dirty, count) else { continue };
            if slices.dirty & slice_mask(index, count) != 0 {
                return Some((chunk, index, true));
            }
            found = found.or(Some((chunk, index, false)));
        }
        found
    }

    /// Changes what can be had of a chunk.
    fn change(&mut self, chunk: &'static Chunk, change: impl FnOnce(&mut Slices)) {
        self.has_more |= self.records.change(chunk, change);
    }

    /// Takes free slices of a chunk.
    fn take(&mut self, chunk: &'static Chunk, slices: u64) {
        self.change(chunk, |chunk| chunk.mark(slices, true));
    }

    /// Makes slices of a chunk free, of which no slab uses any.
    fn give(&mut self, chunk: &'static Chunk, slices: u64) {
        self.change(chunk, |chunk| chunk.mark(slices, false));
    }

    /// Asks for no more huge pages in a chunk; those that there are stay.
    fn retract_huge_pages(&mut self, chunk: &'static Chunk) {
        let source = self.regions.source;
        self.change(chunk, |slices| slices.retract_huge_pages(source));
    }
}

#[cfg(test)]
mod tests;
