//! Blocks that go back to the slabs of a thread's heap: lists that were cached, and batches that other threads sent. What is
//! wrong with them is told, and what follows it is lost.

use crate::batch::{Batch, Contents};
use crate::chains;
use crate::free_list::{Block, Key, List};
use crate::page_map;
use crate::remote_cache::Chain;
use crate::slab::Slab;
use crate::thread_heap::ThreadHeap;
use xalloc_heap::{Call, Incident, Misuse};

/// What the threads' heaps of type `H` are backed by: the heap that has them.
pub trait Backing<H> {
    /// Returns what links are encoded with.
    fn key(&self) -> Key;

    /// Returns whether one slab of a class may stay although none of its blocks is used.
    fn may_keep(&self) -> bool;

    /// Takes a slab of which no block is used. It was in `heap`'s set, and is in none any more.
    fn close_slab(&self, heap: &'static H, slab: &'static Slab);

    /// Takes a chain of free blocks of a slab that is not the heap's.
    fn forward(&self, chain: Chain);

    /// Takes a mistake of the program that was noticed.
    fn tell(&self, call: Call, address: usize, misuse: Misuse);

    /// Tells that a free block was written to.
    fn tell_overwritten(&self, call: Call, block: *mut Block) {
        let Incident { address, misuse, .. } = chains::overwritten(call, block);
        self.tell(call, address, misuse);
    }
}

/// Gives a list of free blocks of `class`, which was cached, back to their slabs: neighbours in one slab at once.
///
/// # Safety
/// The caller has access to the heap, from whose cache it took the list: nobody else has the blocks.
pub unsafe fn return_list<const N: usize, X: Sync, P: Sync>(
    heap: &'static ThreadHeap<N, X, P>,
    class: usize,
    list: List,
    backing: &impl Backing<ThreadHeap<N, X, P>>,
) {
    // SAFETY: the list's blocks are nobody else's, nor are those of a chain of it; and the caller has access to the heap.
    let cut = unsafe { chains::cut(list, class, backing.key(), |chain| give_chain(heap, chain, backing)) };
    if let Err(Incident { call, address, misuse }) = cut {
        backing.tell(call, address, misuse);
    }
}

/// Takes back what other threads freed.
///
/// # Safety
/// The caller has access to the heap.
pub unsafe fn drain<const N: usize, X: Sync, P: Sync>(
    heap: &'static ThreadHeap<N, X, P>,
    backing: &impl Backing<ThreadHeap<N, X, P>>,
) {
    let mut batch = heap.remote().take_all();
    while !batch.is_null() {
        // SAFETY: the batch was taken from the queue, so nobody else has it; blocks in flight keep their slab open and mapped.
        let Some(contents) = (unsafe { Batch::contents(batch, backing.key()) }) else {
            // What is behind it is lost.
            return backing.tell_overwritten(Call::Free, batch.cast());
        };
        // SAFETY: it comes from this heap's queue, and the caller has access to the heap.
        unsafe { take_batch(heap, batch, contents, backing) };
        batch = contents.link;
    }
}

/// # Safety
/// The caller has access to the heap, in whose queue it found the batch.
unsafe fn take_batch<const N: usize, X: Sync, P: Sync>(
    heap: &'static ThreadHeap<N, X, P>,
    batch: *mut Batch,
    contents: Contents,
    backing: &impl Backing<ThreadHeap<N, X, P>>,
) {
    let Some((_, slab)) = Slab::of(page_map::entry(batch as usize)) else {
        return backing.tell(Call::Free, batch as usize, Misuse::FreeMemory);
    };
    let head = contents.first(slab);
    if !slab.is_block(head as usize) {
        return backing.tell_overwritten(Call::Free, batch.cast());
    }
    // SAFETY: whoever sent the batch chained blocks of this slab, which nobody else has; and the caller has access to the heap.
    unsafe { give_chain(heap, Chain { slab, head, tail: batch.cast(), count: contents.count }, backing) };
}

/// # Safety
/// The blocks of the chain are its slab's, and nobody else has them. The caller has access to the heap.
unsafe fn give_chain<const N: usize, X: Sync, P: Sync>(
    heap: &'static ThreadHeap<N, X, P>,
    chain: Chain,
    backing: &impl Backing<ThreadHeap<N, X, P>>,
) {
    let Chain { slab, head, tail, count } = chain;
    if heap.slab_of(head.cast()).is_none() {
        return backing.forward(chain);
    }
    // SAFETY: the page map says that the slab is in this heap's set, to which the caller has access; nobody else has the blocks.
    match unsafe { heap.slabs().give(slab, (head, tail), count, backing.may_keep(), backing.key()) } {
        Ok(true) => backing.close_slab(heap, slab),
        Ok(false) => {}
        Err(_) => backing.tell(Call::Free, head as usize, Misuse::FreedBefore { size: slab.shape().size as usize }),
    }
}
