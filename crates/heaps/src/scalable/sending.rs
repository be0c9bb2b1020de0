//! Blocks on their way to whoever has their slab: a thread's queue, or a central list. If a thread does not come for them,
//! because it sleeps or has ended, the sender takes them back in its place.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use xalloc_blocks::batch::{self, Batch};
use xalloc_blocks::central_list::Given;
use xalloc_blocks::free_list::{Key, List};
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::page_map;
use xalloc_blocks::purge_scope::PurgeScope;
use xalloc_blocks::registry::Registered;
use xalloc_blocks::remote_cache::Chain;
use xalloc_blocks::returning::{self, Backing};
use xalloc_blocks::slab::Slab;
use xalloc_heap::{Call, Misuse};

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Gives a list of free blocks of `class`, which was cached, back to their slabs. The caller has access to the heap.
    pub(super) fn return_list(&self, heap: &'static ThreadLocalHeap<N, T>, class: usize, list: List) {
        // SAFETY: the callers have access to the heap, and have just taken the list out of its cache.
        unsafe { returning::return_list(heap, class, list, self) };
    }

    /// Takes back what other threads freed. The caller has access to the heap.
    pub(super) fn drain(&self, heap: &'static ThreadLocalHeap<N, T>) {
        // SAFETY: the callers are slow paths between `change` and its end, or helpers at work.
        unsafe { returning::drain(heap, self) };
    }

    /// Sends everything that a thread collected for others.
    pub(super) fn send_all(&self, heap: &ThreadLocalHeap<N, T>) {
        let _change = heap.change_remote_cache();
        heap.remote_cache().take_all().for_each(|chain| self.deliver(chain));
    }

    /// Gives a chain of freed blocks to whoever has their slab, and drains a queue in which too much waits.
    pub(super) fn deliver(&self, chain: Chain) {
        if let Some(heap) = self.hand_over(chain) {
            self.help(heap);
        }
    }

    /// Drains a thread's queue, unless its owner or another helper has access to it.
    pub(super) fn help(&self, heap: &'static ThreadLocalHeap<N, T>) {
        self.help_with(heap, || {
            self.drain(heap);
            if heap.ownership().is_abandoned() {
                self.move_slabs(heap);
            }
        });
    }

    /// [`Scalable::help`] for a heap that its thread has just left, if something waits in it.
    pub(super) fn help_after_leaving(&self, heap: &'static ThreadLocalHeap<N, T>) {
        if !heap.remote().is_empty_after_change() {
            self.help(heap);
        }
    }

    pub(super) fn help_with(&self, heap: &'static ThreadLocalHeap<N, T>, work: impl FnMut()) {
        heap.ownership().help(heap.access(), heap.remote(), work);
    }

    /// Gives all slabs of a heap of which blocks can be had to the central lists. The others follow when a block of them is
    /// freed: whoever frees it finds the heap abandoned. The caller has access to the heap.
    pub(super) fn move_slabs(&self, heap: &ThreadLocalHeap<N, T>) {
        for class in 1..N {
            while let Some(slab) = heap.slabs().take_partial(self.class(class)) {
                heap.extra().note_went(class);
                self.give_central(slab);
            }
        }
    }

    /// Gives a slab that is in no set to its central list, or to the back end.
    pub(super) fn give_central(&self, slab: &'static Slab) {
        let keep = self.tuning.get().recycling.keep();
        // SAFETY: the callers took the slab out of the set it was in, or hold a fresh one; blocks of it can be had, and a heap
        // for all threads stays where it is.
        if let Some(surplus) = unsafe { self.central.list(slab.class()).add(slab, keep) } {
            self.close(surplus);
        }
    }

    /// Gives a slab that is in no list, and of which no block is used, to the back end.
    pub(super) fn close(&self, slab: &'static Slab) {
        self.central.list(slab.class()).note_closed();
        // SAFETY: the slab was just taken out of its list, and no block of it is used.
        let bytes = unsafe { self.back_end.give_slab(slab) };
        self.released(bytes);
    }

    /// Notes that so many bytes went to the back end.
    pub(super) fn released(&self, bytes: usize) {
        if self.note_unpurged(bytes) {
            self.back_end.purge(usize::MAX, PurgeScope::All);
        }
    }

    /// Gives a chain of freed blocks to whoever has their slab. Returns the thread's heap in whose queue it waits, if nobody
    /// will come for it or too much waits there.
    fn hand_over(&self, chain: Chain) -> Option<&'static ThreadLocalHeap<N, T>> {
        let mut chain = chain;
        loop {
            let Some((owner, _)) = Slab::of(page_map::entry(chain.tail as usize)) else {
                self.reporter.tell(Call::Free, chain.tail as usize, Misuse::FreeMemory);
                return None;
            };
            let Some(list) = self.central.of_owner(owner) else {
                // SAFETY: the bin stands in the page map.
                let (heap, _) = unsafe { ThreadLocalHeap::<N, T>::of_bin(owner) };
                return self.enqueue_all(heap, chain).then_some(heap);
            };
            let (head, size) = (chain.head as usize, chain.slab.shape().size as usize);
            // SAFETY: a chain of the slab's blocks that nobody else has.
            match unsafe { list.give(chain, self.tuning.get().recycling.keep(), self.key.get()) } {
                Ok(Given::Taken) => return None,
                Ok(Given::Emptied(slab)) => {
                    self.close(slab);
                    return None;
                }
                // A thread has taken the slab meanwhile.
                Ok(Given::Elsewhere(again)) => chain = again,
                Err(_) => {
                    self.reporter.tell(Call::Free, head, Misuse::FreedBefore { size });
                    return None;
                }
            }
        }
    }

    /// Puts a chain of any length into a thread's queue, batch by batch: what comes out of a cache may be longer than a batch.
    /// Returns whether nobody will come for it, or too much waits there.
    fn enqueue_all(&self, heap: &ThreadLocalHeap<N, T>, chain: Chain) -> bool {
        let (mut left, mut is_due) = (Some(chain), false);
        while let Some(mut chain) = left.take() {
            // SAFETY: a chain of blocks that nobody else has.
            match unsafe { chain.cut_behind(batch::MOST, self.key.get()) } {
                Ok(rest) => left = rest,
                // What is behind it is lost.
                Err(block) => {
                    self.tell_overwritten(Call::Free, block);
                    break;
                }
            }
            is_due = self.enqueue(heap, &chain);
        }
        is_due
    }

    /// Puts a chain of at most a batch into a thread's queue. Returns whether nobody will come for it, or too much waits there.
    fn enqueue(&self, heap: &ThreadLocalHeap<N, T>, chain: &Chain) -> bool {
        let Chain { slab, head, tail, count } = *chain;
        let (batch, contents) = (tail.cast::<Batch>(), Batch::of_chain(slab, head, count));
        let (key, bytes) = (self.key.get(), count * slab.shape().size as usize);
        // SAFETY: the chain's last block is the caller's until it is pushed; blocks in flight keep their slab open, and its
        // memory mapped.
        let waiting =
            unsafe { heap.remote().push(batch, bytes, |link| Batch::write(batch, contents.linked_to(link), key)) };
        waiting > self.tuning.get().queue_capacity || heap.ownership().is_abandoned()
    }
}

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Backing<ThreadLocalHeap<N, T>>
    for Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>>
{
    fn key(&self) -> Key {
        self.key.get()
    }

    fn may_keep(&self) -> bool {
        self.tuning.get().recycling.keep() > 0
    }

    fn close_slab(&self, heap: &'static ThreadLocalHeap<N, T>, slab: &'static Slab) {
        heap.extra().note_went(slab.class());
        self.give_central(slab);
    }

    /// If the chain waits in a queue for which nobody comes, the next purge finds it.
    fn forward(&self, chain: Chain) {
        let _waits_in = self.hand_over(chain);
    }

    fn tell(&self, call: Call, address: usize, misuse: Misuse) {
        self.reporter.tell(call, address, misuse);
    }
}
