//! The heap of one thread at a time that shares nothing with others but address space, and goes as a whole.

use super::classes::SizeClasses;
use crate::local::{Large, OneThread, shared};
use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::null_mut;
use xalloc_blocks::bin::Bin;
use xalloc_blocks::free_list::{Block, Key, KeyCell, List};
use xalloc_blocks::page_map::{self, Kind};
use xalloc_blocks::partial_list::PartialList;
use xalloc_blocks::search::Search;
use xalloc_blocks::size_class;
use xalloc_blocks::slab::{Place, Slab};
use xalloc_heap::{Misuse, Refusal};

/// The kind of its slabs in the page map: another one than that of the heaps for all threads, which so tell its blocks from
/// their own.
const KIND: Kind = Kind::owned(2);

/// Slabs of the classes `T`, for one thread at a time.
pub struct SingleHeap<const N: usize, T> {
    /// The blocks to take from, by class.
    bins: [Bin; N],
    /// The slabs of which blocks can be had, and the others.
    partial: [PartialList; N],
    full: [PartialList; N],
    large: Large,
    key: KeyCell,
    classes: PhantomData<fn() -> T>,
    not_shared: PhantomData<Cell<()>>,
}

impl<const N: usize, T: SizeClasses<N>> SingleHeap<N, T> {
    /// Returns a heap without slabs. It may not be moved once it has one.
    pub const fn new() -> Self {
        Self {
            bins: [const { Bin::new() }; N],
            partial: [const { PartialList::new() }; N],
            full: [const { PartialList::new() }; N],
            large: Large::new(),
            key: KeyCell::new(Key::new(0)),
            classes: PhantomData,
            not_shared: PhantomData,
        }
    }

    fn malloc_class(&self, class: usize) -> *mut u8 {
        let bin = &self.bins[class];
        loop {
            let block = bin.pop(&self.key);
            if !block.is_null() {
                return block;
            }
            // A block that was written to ends its list: what is behind it stays used in its slab.
            if self.refill(class).is_none() {
                return null_mut();
            }
        }
    }

    /// Puts the free blocks of a slab into the bin. `None` if there is no memory.
    fn refill(&self, class: usize) -> Option<()> {
        let partial = &self.partial[class];
        let slab = match partial.first() {
            Some(slab) => slab,
            None => self.open_slab(class)?,
        };
        // SAFETY: the slab is this heap's, which one thread uses, and in this list; in none when it is full. The bin is empty,
        // or its list cannot be followed any more.
        unsafe {
            let list = slab.take(self.key.get())?;
            self.bins[class].fill(list);
            partial.update(slab);
            if slab.place() == Place::Full {
                self.full[class].insert(slab, false);
            }
        }
        Some(())
    }

    fn open_slab(&self, class: usize) -> Option<&'static Slab> {
        let slab = shared().take_slab(&T::table(false)[class])?;
        // SAFETY: the slab is this heap's, which one thread uses, and in no list; the owner of its kind is the heap's address.
        unsafe {
            slab.register_as(KIND, core::ptr::from_ref(self) as usize);
            self.partial[class].update(slab);
        }
        Some(slab)
    }

    /// Returns the slab of a block, if it is this heap's.
    fn slab_of(&self, address: usize) -> Option<&'static Slab> {
        // SAFETY: only slabs are entered as this kind.
        let (owner, slab) = unsafe { Slab::of_kind(page_map::entry(address), KIND) }?;
        (owner == core::ptr::from_ref(self) as usize).then_some(slab)
    }

    /// Takes a block back that was found to be in use.
    fn give(&self, slab: &'static Slab, block: *mut Block) {
        let (partial, class) = (&self.partial[slab.class()], slab.class());
        // SAFETY: the block is the slab's, which is this heap's, and in the list that its place says.
        unsafe {
            if slab.place() == Place::Full {
                self.full[class].remove(slab);
            }
            // It cannot have more blocks back than it has in use: this one is.
            let _ = slab.give(block, block, 1, self.key.get());
            partial.update(slab);
        }
        let is_only =
            partial.first().is_some_and(|first| core::ptr::eq(first, slab)) && partial.iter().nth(1).is_none();
        if slab.used() == 0 && !is_only {
            // SAFETY: as above; it is in this list, because blocks of it can be had.
            unsafe {
                partial.remove(slab);
                shared().give_slab(slab);
            }
        }
    }

    /// Returns nothing if a block of the slab starts at `address`, and is in use.
    ///
    /// # Errors
    /// What is wrong with the address.
    fn examine(&self, slab: &Slab, address: usize) -> Result<(), Misuse> {
        slab.examine(address)?;
        // SAFETY: a block starts there, as was just found; the lists are of slabs of this heap, which nobody else unmaps.
        let search = unsafe { Search::new(address, slab, KIND, self.key.get()) };
        let is_free = search.looks_free() && (search.is_in_slab() || search.is_in_list(self.bins[slab.class()].head()));
        if is_free { Err(Misuse::FreedBefore { size: slab.shape().size as usize }) } else { Ok(()) }
    }
}

// SAFETY: blocks are of slabs that only this heap has, or mappings of their own.
unsafe impl<const N: usize, T: SizeClasses<N>> OneThread for SingleHeap<N, T> {
    fn begin(&self) {
        // SAFETY: the heap has no block yet.
        unsafe { self.key.set(shared().key()) };
        for class in &T::table(false)[1..] {
            self.bins[class.number as usize].init(class);
        }
    }

    fn malloc(&self, size: usize) -> *mut u8 {
        if size > T::MAX { self.large.allocate(size, 16) } else { self.malloc_class(T::class_of(size)) }
    }

    fn calloc(&self, size: usize) -> *mut u8 {
        let block = self.malloc(size);
        // Large blocks are of zeros.
        if size <= T::MAX && !block.is_null() {
            // SAFETY: a fresh block of at least so many bytes.
            unsafe { block.write_bytes(0, size) };
        }
        block
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        if align <= 16 {
            return self.malloc(size);
        }
        match size_class::aligned(T::table(false), T::class_of, align, size) {
            Some(class) => self.malloc_class(class),
            None => self.large.allocate(size, align),
        }
    }

    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        let Some(slab) = self.slab_of(block as usize) else { return self.large.free(block as usize) };
        self.examine(slab, block as usize)?;
        self.give(slab, block.cast());
        Ok(())
    }

    fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        let Some(slab) = self.slab_of(block as usize) else { return self.large.size_at(block as usize) };
        self.examine(slab, block as usize)?;
        Ok(slab.shape().size as usize)
    }

    unsafe fn release_all(&self) {
        for list in self.partial.iter().chain(&self.full) {
            while let Some(slab) = list.first() {
                // SAFETY: the slab is this heap's, and in this list; nobody uses its blocks any more.
                unsafe {
                    list.remove(slab);
                    slab.forget_blocks();
                    shared().give_slab(slab);
                }
            }
        }
        // SAFETY: their blocks are gone.
        self.bins.iter().for_each(|bin| unsafe { bin.fill(List { head: null_mut(), count: 0 }) });
        self.large.free_all();
    }
}
