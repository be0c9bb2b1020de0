//! Looking for a block in lists of free blocks: to tell a block that is free already from one whose contents look so.
//!
//! That is slow, and happens only when a program frees a block twice, or has written the mark of a free block into one of its
//! own. Other threads may change the lists meanwhile, so each is followed as far as it can be.

use crate::batch::{self, Batch};
use crate::free_list::{Block, Key};
use crate::page_map;
use crate::page_map::Kind;
use crate::registry::{Registered, Registry};
use crate::slab::Slab;
use crate::thread_heap::ThreadHeap;

/// No list of free blocks is longer: a bin's may have all blocks of a slab and as many more as the limits allow.
const LONGEST_LIST: usize = 1 << 15;
/// So many batches are looked at.
const MOST_BATCHES: usize = 1 << 20;
/// How often is looked, at the most, while threads move blocks, and for how long is waited in between.
const LOOKS: usize = 64;
const PAUSE: usize = 1000;

/// A block that is looked for.
pub struct Search<'a> {
    block: *const Block,
    slab: &'a Slab,
    /// What its slab is in the page map.
    kind: Kind,
    key: Key,
}

impl<'a> Search<'a> {
    /// Returns a search for the block that starts at `address`, of a slab that is of this kind in the page map. `key` is what
    /// links are encoded with.
    ///
    /// # Safety
    /// A block of the slab starts there ([`Slab::examine`]). Slabs stay mapped while a method of the search runs, or, for
    /// [`Search::is_free`], while `look` does.
    pub unsafe fn new(address: usize, slab: &'a Slab, kind: Kind, key: Key) -> Self {
        Self { block: address as *const Block, slab, kind, key }
    }

    /// Returns whether the block's words are those of a free one, as far as it tells by itself.
    pub fn looks_free(&self) -> bool {
        // SAFETY: a block starts there, as `new` demands, and all memory of blocks can be read.
        unsafe { Block::looks_free(self.block) && Block::is_encoded(self.block, self.key) }
    }

    /// Returns whether the block is free, by what it looks like and by what `look` says, which returns whether it is in a list.
    /// While a thread moves blocks from one list to another, they may be in none: then `look` is called again.
    #[inline]
    pub fn is_free<T: Registered>(&self, registry: &Registry<T>, look: impl Fn(&Self) -> bool) -> bool {
        self.looks_free() && self.is_found(registry, look)
    }

    #[cold]
    fn is_found<T: Registered>(&self, registry: &Registry<T>, look: impl Fn(&Self) -> bool) -> bool {
        let are_whole = || registry.all().all(Registered::is_whole);
        for _ in 0..LOOKS {
            let were_whole = are_whole();
            if look(self) {
                return true;
            }
            if were_whole && are_whole() {
                return false;
            }
            (0..PAUSE).for_each(|_| core::hint::spin_loop());
        }
        false
    }

    /// Returns whether the block is among those that a thread has collected for their owners.
    pub fn is_collected<const N: usize, X: Sync, P: Sync>(&self, heap: &ThreadHeap<N, X, P>) -> bool {
        self.is_in(heap.remote_cache().last_of(self.slab), batch::MOST)
    }

    /// Returns whether the block is among those that wait for a thread.
    pub fn is_sent<const N: usize, X: Sync, P: Sync>(&self, heap: &ThreadHeap<N, X, P>) -> bool {
        let mut batch = heap.remote().peek();
        for _ in 0..MOST_BATCHES {
            let Some((_, slab)) = Slab::of(page_map::entry(batch as usize)) else { return false };
            // SAFETY: the page map has a slab there, and slabs stay mapped meanwhile, as `new` demands.
            let Some(contents) = (unsafe { Batch::contents(batch, self.key) }) else { return false };
            if self.is_in(contents.first(slab), contents.count) {
                return true;
            }
            batch = contents.link;
        }
        false
    }

    /// Returns whether the block is in a thread's cache.
    pub fn is_cached<const N: usize, X: Sync, P: Sync>(&self, heap: &ThreadHeap<N, X, P>) -> bool {
        let bin = heap.cache().bin(self.slab.class());
        // The previous list becomes the list: looked at before and after.
        self.is_in_list(bin.previous.get()) || self.is_in_list(bin.head.get()) || self.is_in_list(bin.previous.get())
    }

    /// Returns whether the block is in its slab's free list.
    pub fn is_in_slab(&self) -> bool {
        self.is_in_list(self.slab.free_head())
    }

    /// Returns whether the block is in the list that begins with `head`.
    pub fn is_in_list(&self, head: *mut Block) -> bool {
        self.is_in(head, LONGEST_LIST)
    }

    fn is_in(&self, head: *mut Block, most: usize) -> bool {
        let mut link = head;
        for _ in 0..most {
            if core::ptr::eq(link, self.block) {
                return true;
            }
            if page_map::entry(link as usize).kind() != self.kind {
                return false;
            }
            // SAFETY: the page map has a slab there, and slabs stay mapped meanwhile, as `new` demands.
            match unsafe { Block::peek_next(link, self.key) } {
                Some(next) => link = next,
                None => return false,
            }
        }
        false
    }
}
