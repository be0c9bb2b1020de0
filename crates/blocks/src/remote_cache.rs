//! Freed blocks of other threads' slabs, collected by slab until they are worth sending: the cost of one atomic operation is
//! shared by a batch of them.
//!
//! It knows nothing of how a batch is sent: it returns the chain, and the caller does that.

use crate::batch;
use crate::free_list::{Block, Key};
use crate::single_writer::{Count32, Pointer};
use crate::slab::Slab;
use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::null_mut;

/// A batch has this many blocks or this many bytes: enough to share the cost, little enough to be nearly in the cache when the
/// owner takes it.
const BATCH_BLOCKS: u32 = batch::MOST as u32;
const BATCH_BYTES: u32 = 16 << 10;

/// Blocks of one slab.
struct Slot {
    /// The slab; null when nothing is collected.
    slab: Pointer<Slab>,
    /// The block freed last.
    head: Pointer<Block>,
    /// The block freed first.
    tail: Pointer<Block>,
    /// How many.
    count: Count32,
    /// How many are sent together.
    most: Count32,
}

/// A page full of slots. A quarter of it made most batches a block or two in programs that free mixed sizes.
const SLOTS: usize = 4096 / size_of::<Slot>();

/// A page of slots, by a hash of the slab. Zeroed memory is an empty one.
///
/// It is for one thread at a time:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>() {}
/// share::<xalloc_blocks::remote_cache::RemoteCache>();
/// ```
#[repr(C, align(4096))]
pub struct RemoteCache([Slot; SLOTS], PhantomData<Cell<()>>);

/// A chain of blocks of one slab that is to be sent.
pub struct Chain {
    /// The slab.
    pub slab: &'static Slab,
    /// The first block.
    pub head: *mut Block,
    /// The last block.
    pub tail: *mut Block,
    /// How many.
    pub count: usize,
}

impl Chain {
    /// Leaves the first blocks in the chain, `most` at most, and returns the others.
    ///
    /// # Errors
    /// One of the first blocks was written to after it was freed: this one.
    ///
    /// # Safety
    /// The blocks are free, and the caller's.
    pub unsafe fn cut_behind(&mut self, most: usize, key: Key) -> Result<Option<Self>, *mut Block> {
        if self.count <= most {
            return Ok(None);
        }
        let (mut last, mut head) = (self.head, self.head);
        for _ in 0..most {
            last = head;
            // SAFETY: the caller's.
            head = unsafe { Block::next(last, key) }.map_err(|_| last)?;
        }
        let rest = Self { slab: self.slab, head, tail: self.tail, count: self.count - most };
        (self.tail, self.count) = (last, most);
        Ok(Some(rest))
    }
}

/// Why a block was not added: it was freed just before.
#[derive(Debug, PartialEq, Eq)]
pub struct FreedBefore;

/// What is to be sent after a block was added.
#[derive(Default)]
pub struct Due {
    /// What was collected of another slab, whose slot this one needs.
    pub displaced: Option<Chain>,
    /// The batch of the block, if it is full.
    pub full: Option<Chain>,
}

impl RemoteCache {
    /// Returns the batch that this block is to be added to, if it is neither the first nor the last block of the batch, nor the
    /// one that was added just before.
    #[inline(always)]
    pub fn open(&self, slab: &Slab, block: *mut Block) -> Option<Open<'_>> {
        let slot = &self.0[hash(slab)];
        let is_middle = core::ptr::eq(slot.slab.get(), slab) && slot.count.get() + 1 != slot.most.get();
        (is_middle && slot.head.get() != block).then_some(Open(slot))
    }

    /// Adds a block that is the first or the last one of a batch.
    ///
    /// # Errors
    /// It was added just before; its mark as a free block may have been overwritten since.
    ///
    /// # Safety
    /// The block is the slab's, is free, and the caller's.
    #[inline(always)]
    pub unsafe fn add(&self, slab: &'static Slab, block: *mut Block, key: Key) -> Result<Due, FreedBefore> {
        let slot = &self.0[hash(slab)];
        let mut due = Due::default();
        if !core::ptr::eq(slot.slab.get(), slab) {
            due.displaced = slot.take();
            slot.most.set((BATCH_BYTES / slab.shape().size).clamp(1, BATCH_BLOCKS));
            slot.tail.set(block);
            slot.head.set(null_mut());
            // Last: who looks for a block in here sees no other slab's.
            slot.slab.set(core::ptr::from_ref(slab).cast_mut());
        } else if slot.head.get() == block {
            return Err(FreedBefore);
        }
        // SAFETY: the caller's: a free block of its own.
        unsafe { slot.push(block, key) };
        if slot.count.get() == slot.most.get() {
            due.full = slot.take();
        }
        Ok(due)
    }

    /// Takes everything that was collected, slab by slab.
    pub fn take_all(&self) -> impl Iterator<Item = Chain> {
        self.0.iter().filter_map(Slot::take)
    }

    /// Returns how many bytes of blocks are collected, now or lately. For any thread.
    pub fn bytes(&self) -> usize {
        let bytes = |slot: &Slot| {
            // SAFETY: a slab's record lives as long as the process.
            let slab = unsafe { slot.slab.get().as_ref() };
            slab.map_or(0, |slab| slot.count.get() as usize * slab.shape().size as usize)
        };
        self.0.iter().map(bytes).sum()
    }

    /// Returns the block of a slab that was added last, now or lately; null if there is none. For any thread.
    pub fn last_of(&self, slab: &Slab) -> *mut Block {
        let slot = &self.0[hash(slab)];
        if core::ptr::eq(slot.slab.get(), slab) { slot.head.get() } else { null_mut() }
    }
}

/// A batch with room for this block and another one.
pub struct Open<'a>(&'a Slot);

impl Open<'_> {
    /// Adds the block.
    ///
    /// # Safety
    /// The block is the slab's, is free, and the caller's.
    #[inline(always)]
    pub unsafe fn add(self, block: *mut Block, key: Key) {
        // SAFETY: a free block of the slot's slab, which nobody else has.
        unsafe { self.0.push(block, key) };
    }
}

impl Slot {
    /// # Safety
    /// The block is the slab's, is free, and the caller's.
    #[inline(always)]
    unsafe fn push(&self, block: *mut Block, key: Key) {
        // SAFETY: the caller's: a free block of its own.
        unsafe { Block::set_next(block, self.head.get(), key) };
        self.head.set(block);
        self.count.set(self.count.get() + 1);
    }

    fn take(&self) -> Option<Chain> {
        let count = self.count.get() as usize;
        // A slot that is being set up has no block yet.
        if count == 0 {
            return None;
        }
        self.count.set(0);
        // SAFETY: a slab's record lives as long as the process.
        let slab = unsafe { self.slab.get().as_ref() }?;
        self.slab.set(null_mut());
        Some(Chain { slab, head: self.head.get(), tail: self.tail.get(), count })
    }
}

/// Returns the index of a slab's slot: spreads records, which are 64 bytes apart, over the slots.
fn hash(slab: &Slab) -> usize {
    let number = core::ptr::from_ref(slab) as usize / size_of::<Slab>();
    (number ^ number >> 7 ^ number >> 14) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size_class::{MIDDLE, SMALL};
    use crate::slab::tests::opened;
    use std::boxed::Box;

    const KEY: Key = Key::new(0x1234_5678_9abc_def1);

    fn cache() -> Box<RemoteCache> {
        // SAFETY: zeros are an empty cache.
        unsafe { Box::<RemoteCache>::new_zeroed().assume_init() }
    }

    /// Frees the block with this index.
    fn free(cache: &RemoteCache, slab: &'static Slab, index: usize) -> Result<Due, FreedBefore> {
        let block = (slab.start() + index * slab.shape().size as usize) as *mut Block;
        // SAFETY: memory of the slab that nobody else uses.
        unsafe {
            match cache.open(slab, block) {
                Some(open) => open.add(block, KEY),
                None => return cache.add(slab, block, KEY),
            }
        }
        Ok(Due::default())
    }

    #[test]
    fn a_batch_is_due_when_it_is_full() {
        let (cache, slab) = (cache(), opened(&MIDDLE));
        let most = BATCH_BYTES as usize / 512;
        for index in 0..most - 1 {
            assert!(free(&cache, slab, index).unwrap().full.is_none());
            assert_eq!(cache.bytes(), (index + 1) * 512);
        }
        assert_eq!(free(&cache, slab, most - 2).err(), Some(FreedBefore));
        let chain = free(&cache, slab, most - 1).unwrap().full.unwrap();
        assert_eq!((chain.count, chain.tail as usize, cache.bytes()), (most, slab.start(), 0));
        assert!(core::ptr::eq(chain.slab, slab));
    }

    #[test]
    fn a_slab_displaces_another_one_with_its_slot() {
        let (cache, slab) = (cache(), opened(&SMALL));
        free(&cache, slab, 0).unwrap();
        let mut displaced = None;
        for _ in 0..100 * SLOTS {
            let other = opened(&SMALL);
            if let Some(chain) = free(&cache, other, 0).unwrap().displaced {
                displaced = Some(chain);
                break;
            }
        }
        assert_eq!(displaced.unwrap().count, 1);
        assert!(cache.take_all().all(|chain| chain.count == 1));
        assert_eq!(cache.bytes(), 0);
    }
}
