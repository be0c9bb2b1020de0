//! A slab: one or more slices full of blocks of one size, and its record, which lies elsewhere.
//!
//! Only the thread heap that owns a slab changes its record. A block is either in the slab's free list, not carved yet, or
//! *used*: with the program, in a bin, or on its way back from another thread.

use crate::free_list::{Block, Key, List};
use crate::page_map::{self, Entry, Kind, SLICE};
use crate::single_writer::{Count16, Pointer, Word};
use crate::size_class::Class;
use xalloc_heap::Misuse;

/// Where a slab stands in its thread heap's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Place {
    /// In no list: no block of it can be had.
    Full = 0,
    /// In the partial list, at the end, because too few blocks are free to be worth a visit.
    Sparse = 1,
    /// In the partial list, among the first.
    Ready = 2,
}

/// The kind of a slab's slices in the page map. Their owner is the bin that its blocks belong in.
pub const KIND: Kind = Kind::owned(1);

/// The record of a slab: one cache line.
#[repr(C, align(64))]
pub struct Slab {
    free: Pointer<Block>,
    /// The length of the free list.
    available: Count16,
    used: Count16,
    /// How many blocks, from the first on, were ever handed out; those behind have never been touched.
    carved: Count16,
    place: Count16,
    class: Pointer<Class>,
    /// The neighbours in the partial list.
    pub(crate) next: Pointer<Slab>,
    /// As `next`.
    pub(crate) previous: Pointer<Slab>,
    start: Word,
    /// What the arena put there, to take the slab back.
    chunk: Pointer<u8>,
}

const _: () = assert!(size_of::<Slab>() == 64);

/// The reason why a slab did not take blocks: somebody freed a block twice.
#[derive(Debug, PartialEq, Eq)]
pub struct DoubleFree;

/// How much of a fresh slab is linked at once: one page, so that a class that is hardly used touches one page only, and
/// more when a slab is being consumed.
const FIRST_EXTENT: usize = 4 << 10;
const LATER_EXTENT: usize = 16 << 10;

impl Slab {
    /// Makes this the record of an unused slab of `class` whose blocks start at `start`, in the arena's chunk `chunk`.
    ///
    /// # Safety
    /// The record is the caller's, and no slab has it. From `start` on there is memory for the slices of the class, which is
    /// the caller's and covered by the page map.
    pub unsafe fn open(&self, class: &'static Class, start: usize, chunk: *mut u8) {
        self.free.set(core::ptr::null_mut());
        self.available.set(0);
        self.used.set(0);
        self.carved.set(0);
        self.class.set(core::ptr::from_ref(class).cast_mut());
        self.start.set(start);
        self.chunk.set(chunk);
        self.place.set(Place::Full as u16);
    }

    /// Returns the slab of an address, which has this entry in the page map, and its bin; `None` if there is no slab.
    #[inline(always)]
    pub fn of(entry: Entry) -> Option<(usize, &'static Self)> {
        // SAFETY: the record of an entry of this kind is a slab's, and those live as long as the process.
        (entry.kind() == KIND).then(|| (entry.owner(), unsafe { &*entry.record().cast::<Self>() }))
    }

    /// Returns the slab of an address, which has this entry in the page map, and its owner, if its kind is `kind`.
    ///
    /// # Safety
    /// Only slabs are in the page map with this kind.
    pub unsafe fn of_kind(entry: Entry, kind: Kind) -> Option<(usize, &'static Self)> {
        // SAFETY: the record of an entry of this kind is a slab's, and those live as long as the process.
        (entry.kind() == kind).then(|| (entry.owner(), unsafe { &*entry.record().cast::<Self>() }))
    }

    /// Enters its slices into the page map, with the address of the bin that its blocks belong in.
    ///
    /// # Safety
    /// The slab is the caller's, which has access to it, and `bin` is the address of a bin of its class that is never unmapped.
    pub unsafe fn register(&self, bin: usize) {
        // SAFETY: only slabs are in the page map as this kind, whose owners are bins that are never unmapped.
        unsafe { self.register_as(KIND, bin) };
    }

    /// Enters its slices into the page map as another kind of slabs: those of heaps that must not take others' for their own.
    ///
    /// # Safety
    /// The slab is the caller's, which has access to it. Only slabs are in the page map with this kind, and `owner` is what its
    /// heap takes the owner of this kind for.
    pub unsafe fn register_as(&self, kind: Kind, owner: usize) {
        let record = core::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the arena covers its chunks, of which the caller has this slab; the record is its own, and lives for ever.
        unsafe { page_map::set(self.start(), self.bytes(), Entry::owned(kind, record, owner)) };
    }

    /// Takes its slices out of the page map.
    ///
    /// # Safety
    /// The slab is the caller's, and no block of it is used.
    pub unsafe fn unregister(&self) {
        // SAFETY: as in `register`.
        unsafe { page_map::set(self.start(), self.bytes(), Entry::NONE) };
    }

    /// Returns the size of its slices together, in bytes.
    pub fn bytes(&self) -> usize {
        self.shape().slices as usize * SLICE
    }

    /// Returns the number of its class.
    pub fn class(&self) -> usize {
        self.shape().number as usize
    }

    /// Returns its class.
    pub fn shape(&self) -> &'static Class {
        // SAFETY: `open` stored the address of a class that lives for ever, and nothing else does. Nobody comes to a record
        // that was never opened: the page map, where `register` enters it with a release, is read with an acquire, and so is
        // what the arena asks before it looks at a record.
        unsafe { &*self.class.get() }
    }

    /// Returns its first address.
    pub fn start(&self) -> usize {
        self.start.get()
    }

    /// Returns what the arena put there, to take the slab back.
    pub fn chunk(&self) -> *mut u8 {
        self.chunk.get()
    }

    /// Returns how many blocks are used.
    pub fn used(&self) -> usize {
        self.used.get() as usize
    }

    /// Returns how many bytes of it, from its start on, were ever handed out in blocks.
    pub fn carved(&self) -> usize {
        self.carved.get() as usize * self.shape().size as usize
    }

    /// Returns where it stands.
    pub fn place(&self) -> Place {
        match self.place.get() {
            0 => Place::Full,
            1 => Place::Sparse,
            _ => Place::Ready,
        }
    }

    /// Notes where it stands now.
    pub fn set_place(&self, place: Place) {
        self.place.set(place as u16);
    }

    /// Returns where it should stand: ready from a sixteenth of its blocks on, so that a slab that hovers around full is not
    /// visited for every block that comes back to it.
    pub fn fitting_place(&self) -> Place {
        let available = self.available.get();
        if available > self.shape().capacity / 16 || (available > 0 && self.used.get() == 0) {
            Place::Ready
        } else if self.is_exhausted() {
            Place::Full
        } else {
            Place::Sparse
        }
    }

    /// Returns whether nothing can be taken from it.
    pub fn is_exhausted(&self) -> bool {
        self.available.get() == 0 && self.carved.get() == self.shape().capacity
    }

    /// Returns whether `address`, which lies in its slices, is the start of a block that was handed out at some time.
    #[inline]
    pub fn is_block(&self, address: usize) -> bool {
        let offset = address.wrapping_sub(self.start());
        self.shape().index(offset).is_some_and(|index| index < self.carved.get() as usize)
    }

    /// Returns whether `address`, which lies in its slices, is the start of a block ([`Slab::is_block`]) that does not look
    /// free. Otherwise it must be examined.
    #[inline]
    pub fn looks_used(&self, address: usize) -> bool {
        // SAFETY: memory of the slab, where a block starts.
        self.is_block(address) && !unsafe { Block::looks_free(address as *const Block) }
    }

    /// Returns nothing if `address` is the start of a block that was handed out at some time ([`Slab::is_block`]).
    ///
    /// # Errors
    /// What the address is if not.
    pub fn examine(&self, address: usize) -> Result<(), Misuse> {
        if self.is_block(address) { Ok(()) } else { Err(self.misuse_at(address.wrapping_sub(self.start()))) }
    }

    /// Returns the size of the block in use that starts at `address`, which lies in its slices, as far as the block itself
    /// tells: one whose words are those of a free block is taken to be free.
    ///
    /// # Errors
    /// What there is at the address instead.
    pub fn used_at(&self, address: usize, key: Key) -> Result<usize, Misuse> {
        self.examine(address)?;
        let (block, size) = (address as *const Block, self.shape().size as usize);
        // SAFETY: a block of the slab starts there.
        let is_free = unsafe { Block::looks_free(block) && Block::is_encoded(block, key) };
        if is_free { Err(Misuse::FreedBefore { size }) } else { Ok(size) }
    }

    fn misuse_at(&self, offset: usize) -> Misuse {
        let size = self.shape().size as usize;
        if offset < self.carved() { Misuse::Interior { offset: offset % size, size } } else { Misuse::FreeMemory }
    }

    /// Returns whether `address` lies in its slices.
    #[inline]
    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start()) < self.bytes()
    }

    /// Returns the first block of its free list, for a thread that need not be its owner's. Null if there is none.
    pub fn free_head(&self) -> *mut Block {
        self.free.get()
    }

    /// Takes all free blocks, or, if there are none, some that were never touched. `None` if it is exhausted.
    ///
    /// # Safety
    /// The slab is the caller's, which alone changes it.
    pub unsafe fn take(&self, key: Key) -> Option<List> {
        let count = self.available.get();
        if count == 0 {
            return self.carve(key);
        }
        let head = self.free.get();
        self.free.set(core::ptr::null_mut());
        self.available.set(0);
        self.used.set(self.used.get() + count);
        Some(List { head, count: count as usize })
    }

    /// Takes the next extent's blocks, linked in the order of their addresses. `None` if all were carved.
    fn carve(&self, key: Key) -> Option<List> {
        let (size, carved) = (self.shape().size as usize, self.carved.get() as usize);
        let extent = if carved * size < LATER_EXTENT { FIRST_EXTENT } else { LATER_EXTENT };
        let count = (extent / size).max(1).min(self.shape().capacity as usize - carved);
        if count == 0 {
            return None;
        }
        let head = self.start() + carved * size;
        for index in 0..count {
            let block = (head + index * size) as *mut Block;
            let next = if index + 1 < count { (block as usize + size) as *mut Block } else { core::ptr::null_mut() };
            // SAFETY: inside the slab's slices, behind everything handed out so far.
            unsafe { Block::set_next(block, next, key) };
        }
        self.carved.set((carved + count) as u16);
        self.used.set(self.used.get() + count as u16);
        Some(List { head: head as *mut Block, count })
    }

    /// Takes all blocks back, whoever has them.
    ///
    /// # Safety
    /// The slab is the caller's and in no list, and nobody uses a block of it any more.
    pub unsafe fn forget_blocks(&self) {
        // SAFETY: the slab was opened with these, is in no list, and none of its blocks is used.
        unsafe { self.open(self.shape(), self.start(), self.chunk()) };
    }

    /// Takes back `count` used blocks, chained from `head` to `tail`.
    ///
    /// # Errors
    /// [`DoubleFree`] when there are more of them than are used: nothing is changed then.
    ///
    /// # Safety
    /// The blocks are this slab's, and nobody else has them.
    pub unsafe fn give(&self, head: *mut Block, tail: *mut Block, count: usize, key: Key) -> Result<(), DoubleFree> {
        if count > self.used() {
            return Err(DoubleFree);
        }
        // SAFETY: the chain is of free blocks of this slab, and the caller's; nothing else links to its tail.
        unsafe { Block::set_next(tail, self.free.get(), key) };
        self.free.set(head);
        self.available.set(self.available.get() + count as u16);
        self.used.set((self.used() - count) as u16);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::size_class::{LARGE, MANY_SLICES, MIDDLE, SMALL};
    use std::collections::BTreeSet;
    use std::vec::Vec;

    /// The key of the blocks' tests.
    pub const KEY: Key = Key::new(0x1234_5678_9abc_def1);

    /// Returns a slab of its own memory, which no arena knows.
    pub fn opened(class: &'static Class) -> &'static Slab {
        let memory = xalloc_os::pages::map_aligned(8 * SLICE, SLICE).unwrap();
        let record = xalloc_os::pages::map(4096).unwrap() as *const Slab;
        // SAFETY: zeroed, aligned, mapped for ever.
        let slab = unsafe { &*record };
        assert!(page_map::cover(memory.start, 8 * SLICE));
        // SAFETY: a record and memory of the test's own.
        unsafe { slab.open(class, memory.start, core::ptr::null_mut()) };
        slab
    }

    /// Takes blocks of a slab of the test's own.
    pub fn take(slab: &Slab) -> Option<List> {
        // SAFETY: nobody else changes it.
        unsafe { slab.take(KEY) }
    }

    fn blocks(list: List) -> Vec<*mut Block> {
        let mut all = Vec::new();
        let mut block = list.head;
        while !block.is_null() {
            all.push(block);
            // SAFETY: a chain that the slab just made.
            block = unsafe { Block::next(block, KEY) }.unwrap();
        }
        assert_eq!(all.len(), list.count);
        all
    }

    #[test]
    fn hands_out_every_block_once_and_takes_all_back() {
        static ODD: [Class; 3] = [Class::new(1, 48, 1), Class::new(2, 1152, 1), Class::new(3, 4608, MANY_SLICES)];
        for class in [&SMALL, &MIDDLE, &LARGE, &ODD[0], &ODD[1], &ODD[2]] {
            // Miri is a thousand times slower.
            if cfg!(miri) && class.capacity > 200 {
                continue;
            }
            let slab = opened(class);
            let start = slab.start();
            let mut all = BTreeSet::new();
            while let Some(list) = take(slab) {
                for block in blocks(list) {
                    assert!(slab.examine(block as usize).is_ok() && slab.contains(block as usize));
                    assert!(matches!(slab.examine(block as usize + 8), Err(Misuse::Interior { offset: 8, .. })));
                    assert!(all.insert(block as usize));
                    assert_eq!(
                        slab.used_at(block as usize, KEY),
                        Err(Misuse::FreedBefore { size: class.size as usize })
                    );
                    // SAFETY: the block is this test's.
                    unsafe { Block::hand_out(block) };
                    assert_eq!(slab.used_at(block as usize, KEY), Ok(class.size as usize));
                }
            }
            assert!(slab.is_exhausted());
            assert_eq!(all.len(), slab.shape().capacity as usize);
            assert_eq!(all.first(), Some(&start));
            for &block in &all {
                let block = block as *mut Block;
                // SAFETY: handed out above, freed once.
                unsafe { slab.give(block, block, 1, KEY) }.unwrap();
            }
            assert_eq!(slab.used(), 0);
            assert_eq!(slab.fitting_place(), Place::Ready);
            let block = start as *mut Block;
            // SAFETY: refused before anything is written.
            assert_eq!(unsafe { slab.give(block, block, 1, KEY) }, Err(DoubleFree));
            assert_eq!(blocks(take(slab).unwrap()).len(), all.len());
        }
    }
}
