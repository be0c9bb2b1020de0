//! Address space for slabs and runs: regions from the kernel, cut into chunks of 4 MiB, cut into slices of 64 KiB.
//!
//! A free slice's pages can be given back ([`Arena::purge`]), and a chunk's last slices as a whole ([`Arena::unmap`]); a chunk
//! without slabs may become one of runs ([`Arena::take_chunk`]). Its record stays for ever, for another chunk. Slices that were
//! used before are reused first, because touching a fresh page is the dearest thing an allocator does.

use crate::huge_pages;
use crate::locked::Locked;
use crate::metadata::Metadata;
use crate::page_map::SLICE;
use crate::purge_scope::PurgeScope;
use crate::size_class::Class;
use crate::slab::Slab;
use xalloc_os::Lock;

mod chunk;
mod exchange;
mod lists;
mod opening;
mod regions;
pub use chunk::CHUNK;
use chunk::{Chunk, best, slice_mask};
use lists::{Lists, Standing};
use regions::Regions;

/// How many chunks are looked at for used slices before fresh ones are taken.
const LOOK_FOR_DIRTY: usize = 8;

struct State {
    regions: Regions,
    lists: Lists,
    newest: *mut Chunk,
    /// Whether slices became free since [`Arena::unmap`] last looked for some.
    has_more: bool,
    /// Whether slabs that will be filled get huge pages, as it was when memory was last claimed for slabs.
    is_filling: bool,
}

// SAFETY: the chunks belong to the arena, not to a thread.
unsafe impl Send for State {}

/// The source of slabs and chunks.
pub struct Arena(Locked<State>);

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
    /// Returns an arena without regions.
    pub const fn new() -> Self {
        let newest = core::ptr::null_mut();
        let (regions, lists) = (Regions::new(), Lists::new());
        Self(Locked::new(State { regions, lists, newest, has_more: false, is_filling: false }))
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
        let (chunk, index, untried) =
            found.or_else(|| self.0.with(|state| state.find_or_open(slices, fills, metadata)))?;
        if untried != 0 {
            self.try_huge_page(chunk, untried);
        }
        // SAFETY: the slices are the caller's now, and so is the record of the first; records are for ever.
        let (slab, base) = unsafe { (&(*chunk).slabs[index], (*chunk).base) };
        // SAFETY: as above; the slices are the chunk's, which is covered, and nobody else's.
        unsafe { slab.open(class, base + index * SLICE, chunk.cast()) };
        Some(slab)
    }

    /// Has the first huge page of the chunk made, in which all free slices, `untried`, were taken for that. Outside the lock:
    /// the kernel may take long.
    fn try_huge_page(&self, chunk: *mut Chunk, untried: u64) {
        // SAFETY: a chunk keeps its base as long as slices of it are taken.
        let base = unsafe { (*chunk).base };
        let is_in_time = huge_pages::try_one(base);
        // SAFETY: the arena's lock guards its records, and is held; the slices were taken for this.
        self.0.with(|state| unsafe {
            if !is_in_time {
                (*chunk).retract_huge_pages();
            }
            state.give(chunk, untried);
        });
    }

    /// Takes a slab's slices back.
    ///
    /// # Safety
    /// The slab is this arena's and the caller's, is not in the page map any more, and none of its blocks is used.
    pub unsafe fn give_slab(&self, slab: &Slab) {
        debug_assert_eq!(slab.used(), 0);
        let (chunk, count) = (slab.chunk().cast::<Chunk>(), slab.shape().slices as usize);
        self.0.with(|state| {
            // SAFETY: the arena's lock guards its records, and is held.
            unsafe {
                let index = (slab.start() - (*chunk).base) / SLICE;
                state.give(chunk, slice_mask(index, count));
            }
        });
    }

    /// Gives pages of free slices back to the kernel, about `surplus` bytes at most. Returns how many bytes it gave.
    pub fn purge(&self, surplus: usize, scope: PurgeScope) -> usize {
        let mut given = 0;
        let mut chunk = self.0.with(|state| state.newest);
        while !chunk.is_null() && given < surplus {
            given += self.purge_chunk(chunk, scope);
            // SAFETY: records are for ever, and the link to an older one never changes.
            chunk = unsafe { (*chunk).older };
        }
        given
    }

    /// Purges a chunk. Outside the lock while the kernel works: meanwhile the slices are not free, so no slab is made of them.
    fn purge_chunk(&self, chunk: *mut Chunk, scope: PurgeScope) -> usize {
        // SAFETY: the arena's lock guards its records, and is held; so below.
        let (base, victims) = self.0.with(|state| unsafe {
            let victims = (*chunk).victims(scope);
            state.take(chunk, victims);
            if scope == PurgeScope::Aged {
                (*chunk).aged = (*chunk).dirty;
            }
            ((*chunk).base, victims)
        });
        if victims == 0 {
            return 0;
        }
        // SAFETY: the slices were free and were taken out just now, so no slab is in them, and the chunk cannot change its
        // kind.
        let purged = unsafe { chunk::purge_slices(base, victims) };
        // SAFETY: the arena's lock guards its records, and is held; the slices were taken above.
        self.0.with(|state| unsafe {
            // The next slab in a huge page without pages would make all of it resident again.
            if scope != PurgeScope::Whole && (*chunk).huge {
                (*chunk).retract_huge_pages();
            }
            state.give(chunk, victims);
            (*chunk).dirty &= !purged;
            // Chunks with pages are found first: a search looks at a few only.
            state.lists.move_to_end(chunk);
        });
        purged.count_ones() as usize * SLICE
    }

    /// Gives address space back: the last slices of each chunk, as far as they are free, and what no chunk was made of yet.
    /// Returns how many bytes it gave.
    pub fn unmap(&self) -> usize {
        self.0.with(|state| {
            let mut given = state.regions.unmap_closed();
            // A program that lives at its limit comes here with every request.
            if core::mem::take(&mut state.has_more) {
                given += state.chunks().map(|chunk| state.unmap_end(chunk)).sum::<usize>();
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

    /// Returns what the arena holds.
    pub fn stats(&self) -> ArenaStats {
        self.0.with(|state| state.stats())
    }

    /// Returns whether `address` lies in a slice of a slab chunk: what once was, or could become, a block.
    pub fn contains(&self, address: usize) -> bool {
        self.0.with(|state| {
            state.chunks().any(|chunk| {
                // SAFETY: the arena's lock guards its records, and is held.
                let (base, mapped) = unsafe { ((*chunk).base, (*chunk).mapped()) };
                address.wrapping_sub(base) < mapped * SLICE
            })
        })
    }

    /// Calls `each` with every slab in use, under the lock: nothing of the arena may be called.
    pub fn for_each_slab(&self, mut each: impl FnMut(&Slab)) {
        self.0.with(|state| {
            for chunk in state.chunks() {
                // SAFETY: the arena's lock guards its records, and is held.
                unsafe { &*chunk }.slabs_in_use().for_each(&mut each);
            }
        });
    }
}

impl State {
    fn chunks(&self) -> impl Iterator<Item = *mut Chunk> + use<> {
        let present = |chunk: *mut Chunk| (!chunk.is_null()).then_some(chunk);
        // SAFETY: records are for ever, and the list only grows at its head, under the lock that the caller holds.
        let records = core::iter::successors(present(self.newest), move |&chunk| present(unsafe { (*chunk).older }));
        // SAFETY: as above.
        records.filter(|&chunk| unsafe { (*chunk).base } != 0)
    }

    fn list(&self, standing: Standing) -> impl Iterator<Item = *mut Chunk> + use<> {
        let present = |chunk: *mut Chunk| (!chunk.is_null()).then_some(chunk);
        // SAFETY: records are for ever, and the list changes under the lock that the caller holds.
        core::iter::successors(present(self.lists.first(standing)), move |&chunk| present(unsafe { (*chunk).next }))
    }

    fn stats(&self) -> ArenaStats {
        let mut stats = ArenaStats { reserved: self.regions.reserved(), ..Default::default() };
        for chunk in self.chunks() {
            // SAFETY: the arena's lock guards its records, and is held.
            let (free, dirty, mapped) = unsafe { ((*chunk).free, (*chunk).dirty, (*chunk).mapped()) };
            stats.in_slabs += (mapped - free.count_ones() as usize) * SLICE;
            stats.reserved -= CHUNK - mapped * SLICE;
            stats.dirty += dirty.count_ones() as usize * SLICE;
        }
        stats
    }

    /// Takes `count` (1 or 8) slices out of a chunk, of those that `usable` says: used ones, if the first few chunks have any,
    /// and of a chunk that has slabs rather than of one that could become one of runs.
    fn find(&mut self, count: usize, usable: impl Fn(&Chunk) -> u64) -> Option<(*mut Chunk, usize)> {
        let partial = self.search(Standing::Partial, count, &usable);
        let is_dirty = |found: &(*mut Chunk, usize, bool)| found.2;
        let whole =
            if partial.as_ref().is_some_and(is_dirty) { None } else { self.search(Standing::Whole, count, &usable) };
        let (chunk, index, _) = whole.filter(|found| partial.is_none() || is_dirty(found)).or(partial)?;
        // SAFETY: the arena's lock guards its records, and is held; the slices are free.
        unsafe { self.take(chunk, slice_mask(index, count)) };
        Some((chunk, index))
    }

    /// Returns a chunk in a list, the first of `count` free slices in it, and whether they were used before.
    fn search(
        &self,
        standing: Standing,
        count: usize,
        usable: impl Fn(&Chunk) -> u64,
    ) -> Option<(*mut Chunk, usize, bool)> {
        let mut found = None;
        for (looked, chunk) in self.list(standing).enumerate() {
            if looked >= LOOK_FOR_DIRTY && found.is_some() {
                break;
            }
            // SAFETY: the arena's lock guards its records, and is held.
            let (free, dirty) = unsafe { (usable(&*chunk), (*chunk).dirty) };
            let Some(index) = best(free, dirty, count) else { continue };
            if dirty & slice_mask(index, count) != 0 {
                return Some((chunk, index, true));
            }
            found = found.or(Some((chunk, index, false)));
        }
        found
    }

    /// Changes what can be had of a chunk, which goes to the list where it belongs then.
    ///
    /// # Safety
    /// The record is the arena's.
    unsafe fn change(&mut self, chunk: *mut Chunk, change: impl FnOnce(&mut Chunk)) {
        // SAFETY: the arena's lock guards its records, and is held, and no other reference to the record.
        unsafe {
            let (free, before) = ((*chunk).free, Standing::of(&*chunk));
            change(&mut *chunk);
            self.has_more |= (*chunk).free & !free != 0;
            if before != Standing::of(&*chunk) {
                self.lists.remove(chunk, before);
                self.lists.push(chunk);
            }
        }
    }

    /// # Safety
    /// The slices are the chunk's, and free.
    unsafe fn take(&mut self, chunk: *mut Chunk, slices: u64) {
        // SAFETY: the arena's lock guards its records, and is held.
        unsafe { self.change(chunk, |chunk| chunk.mark(slices, true)) };
    }

    /// # Safety
    /// The slices are the chunk's, and nobody's any more.
    unsafe fn give(&mut self, chunk: *mut Chunk, slices: u64) {
        // SAFETY: the arena's lock guards its records, and is held.
        unsafe { self.change(chunk, |chunk| chunk.mark(slices, false)) };
    }
}

#[cfg(test)]
mod tests;
