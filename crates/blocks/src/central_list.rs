//! The central list of a class: slabs that no thread has, under a lock. Threads' caches are refilled from it, and slabs of
//! threads that end come to it.

use crate::chains;
use crate::free_list::{Key, List};
use crate::lock_policy::{LockPolicy, OsLock};
use crate::page_map;
use crate::partial_list::PartialList;
use crate::remote_cache::Chain;
use crate::single_writer::Count32;
use crate::size_class::Class;
use crate::slab::{DoubleFree, Slab};
use xalloc_heap::{Call, Incident, Misuse};
use xalloc_os::Lock;

/// The central list of one class.
pub struct CentralList<L> {
    lock: L,
    slabs: PartialList,
    /// How many of its slabs have no block in use.
    empty: Count32,
    /// How many slabs of the class there are, whoever has them.
    pages: Count32,
    /// 1 while a fork holds the lock.
    is_forking: Count32,
}

// SAFETY: the list and the counts change under the lock, which threads share if it can be shared.
unsafe impl<L: Sync> Sync for CentralList<L> {}

/// What became of a chain of blocks that was to go back to a central list.
pub enum Given {
    /// It is in its slab.
    Taken,
    /// It is in its slab, of which no block is used any more: the slab is the caller's, and in no list.
    Emptied(&'static Slab),
    /// Its slab is a thread's now.
    Elsewhere(Chain),
}

impl<L: LockPolicy> CentralList<L> {
    /// Returns an empty list.
    pub const fn new() -> Self {
        Self {
            lock: L::FREE,
            slabs: PartialList::new(),
            empty: Count32::new(0),
            pages: Count32::new(0),
            is_forking: Count32::new(0),
        }
    }

    /// Takes the lock for a fork, unless this thread holds it already. Under it, nothing is locked.
    pub fn lock_for_fork(&self) {
        if !self.lock.is_mine() {
            self.lock.acquire();
            self.is_forking.set(1);
        }
    }

    /// Releases what [`CentralList::lock_for_fork`] took, in the parent or in the child.
    pub fn unlock_after_fork(&self) {
        if self.is_forking.get() != 0 {
            self.is_forking.set(0);
            // SAFETY: the flag says that `lock_for_fork` took it in this thread, which uses nothing of the list in between.
            unsafe { self.lock.release() };
        }
    }

    /// Returns what stands in the page map as the owner of its slabs.
    pub fn owner(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// Returns how many slabs of the class there are, whoever has them.
    pub fn pages(&self) -> usize {
        self.pages.get() as usize
    }

    /// Counts a slab that was made for the class.
    pub fn note_opened(&self) {
        self.lock.with(|| self.pages.set(self.pages.get() + 1));
    }

    /// Counts a slab that is the class's no more.
    pub fn note_closed(&self) {
        self.lock.with(|| self.pages.set(self.pages.get() - 1));
    }

    /// Adds a slab. Returns it if no block of it is used and there are `keep` such slabs already: then it is in no list.
    ///
    /// # Safety
    /// The slab is the caller's, of this list's class, and in no list, and blocks of it can be had. The list is never unmapped
    /// or moved.
    pub unsafe fn add(&self, slab: &'static Slab, keep: usize) -> Option<&'static Slab> {
        self.lock.with(|| {
            // SAFETY: the slab is in no list; this one changes only while its lock is held, as now, and stays where it is.
            unsafe {
                slab.register(self.owner());
                self.slabs.update(slab);
            }
            self.count_if_empty(slab, keep)
        })
    }

    /// Takes a slab out, for the bin at the address `bin`: one of which blocks can be had. `None` if there is none.
    ///
    /// # Safety
    /// `bin` is the address of a bin of the class that is never unmapped.
    pub unsafe fn take_slab(&self, bin: usize) -> Option<&'static Slab> {
        self.lock.with(|| {
            let slab = self.slabs.first()?;
            self.remove(slab);
            // SAFETY: the slab was just taken out, so nobody else has it; the bin is of its class, and stays.
            unsafe { slab.register(bin) };
            Some(slab)
        })
    }

    /// Takes blocks: those of one slab that are free, or some that were never used. The slab stays. `None` if there are none.
    pub fn take_blocks(&self, key: Key) -> Option<List> {
        self.lock.with(|| {
            let slab = self.slabs.first()?;
            self.empty.set(self.empty.get() - u32::from(slab.used() == 0));
            // SAFETY: the slab is in the list, which changes under the lock.
            unsafe {
                let list = slab.take(key);
                self.slabs.update(slab);
                list
            }
        })
    }

    /// Gives a chain of blocks back to its slab. With no block of it used any more, the slab stays if there are fewer than
    /// `keep` such slabs.
    ///
    /// # Errors
    /// There are more blocks than are used of the slab: nothing is changed.
    ///
    /// # Safety
    /// The blocks are the slab's, and nobody else has them.
    pub unsafe fn give(&self, chain: Chain, keep: usize, key: Key) -> Result<Given, DoubleFree> {
        self.lock.with(|| {
            let Chain { slab, head, tail, count } = chain;
            // A slab comes and goes under the lock.
            if Slab::of(page_map::entry(slab.start())).is_none_or(|(owner, _)| owner != self.owner()) {
                return Ok(Given::Elsewhere(chain));
            }
            // SAFETY: the blocks are the slab's and nobody else's; its owner is this list, which changes under the held lock.
            unsafe {
                slab.give(head, tail, count, key)?;
                self.slabs.update(slab);
            }
            Ok(self.count_if_empty(slab, keep).map_or(Given::Taken, Given::Emptied))
        })
    }

    /// Gives a list of free blocks of the class, which was cached, back to their slabs, all of which are this list's. Calls
    /// `emptied` with each slab that has to go, as [`CentralList::give`] has it.
    ///
    /// # Errors
    /// The program did this to a block of the list: what is behind it is lost.
    ///
    /// # Safety
    /// The blocks are free, and nobody else has them, as far as the list can be followed.
    pub unsafe fn give_all(
        &self,
        list: List,
        class: &Class,
        keep: usize,
        key: Key,
        mut emptied: impl FnMut(&'static Slab),
    ) -> Result<(), Incident> {
        let mut freed_twice = None;
        let give = |chain: Chain| {
            let address = chain.head as usize;
            // SAFETY: a part of the caller's list.
            match unsafe { self.give(chain, keep, key) } {
                Ok(Given::Emptied(slab)) => emptied(slab),
                Ok(_) => {}
                Err(DoubleFree) => {
                    let misuse = Misuse::FreedBefore { size: class.size as usize };
                    freed_twice = Some(Incident { call: Call::Free, address, misuse });
                }
            }
        };
        // SAFETY: the blocks are free and nobody else's, as far as the list can be followed.
        let cut = unsafe { chains::cut(list, class.number as usize, key, give) };
        cut.and(freed_twice.map_or(Ok(()), Err))
    }

    /// Takes out a slab of which no block is used. `None` if there is none.
    pub fn take_empty(&self) -> Option<&'static Slab> {
        self.lock.with(|| {
            if self.empty.get() == 0 {
                return None;
            }
            let slab = self.slabs.iter().find(|slab| slab.used() == 0)?;
            self.remove(slab);
            Some(slab)
        })
    }

    /// Counts a slab in the list if no block of it is used. Returns it if there are too many then; it is in no list any more.
    fn count_if_empty(&self, slab: &'static Slab, keep: usize) -> Option<&'static Slab> {
        if slab.used() != 0 {
            return None;
        }
        self.empty.set(self.empty.get() + 1);
        if self.empty.get() as usize <= keep {
            return None;
        }
        self.remove(slab);
        Some(slab)
    }

    fn remove(&self, slab: &Slab) {
        self.empty.set(self.empty.get() - u32::from(slab.used() == 0));
        // SAFETY: the slab is in the list, because blocks of it can be had; the list changes under the lock, which is held.
        unsafe { self.slabs.remove(slab) };
    }
}

impl CentralList<OsLock> {
    /// Returns the lock, for [`ForkLocks`](crate::fork_locks::ForkLocks). Under it, nothing is locked.
    pub fn lock(&self) -> &Lock {
        self.lock.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::free_list::Block;
    use crate::page_map::SLICE;
    use crate::size_class::MIDDLE;
    use crate::slab::tests::opened;

    const KEY: Key = Key::new(0x1234_5678_9abc_def1);

    fn covered() -> &'static Slab {
        let slab = opened(&MIDDLE);
        assert!(page_map::cover(slab.start(), slab.bytes()));
        slab
    }

    fn add(central: &'static CentralList<OsLock>, slab: &'static Slab, keep: usize) -> Option<&'static Slab> {
        // SAFETY: the test's own slab, which is in no list; a static stays where it is.
        unsafe { central.add(slab, keep) }
    }

    fn take_slab(central: &'static CentralList<OsLock>) -> Option<&'static Slab> {
        // SAFETY: no block of the slab is freed into a bin.
        unsafe { central.take_slab(0x2000) }
    }

    fn one_by_one(list: List, mut each: impl FnMut(*mut Block)) {
        let mut block = list.head;
        for _ in 0..list.count {
            // SAFETY: a chain that the list just gave.
            let next = unsafe { Block::next(block, KEY) }.unwrap();
            each(block);
            block = next;
        }
    }

    #[test]
    fn blocks_go_back_to_their_slab_and_empty_slabs_are_the_callers() {
        static CENTRAL: CentralList<OsLock> = CentralList::new();
        let slab = covered();
        assert!(add(&CENTRAL, slab, 1).is_none() && CENTRAL.take_blocks(KEY).is_some());
        let mut lists = std::vec![];
        while let Some(list) = CENTRAL.take_blocks(KEY) {
            lists.push(list);
        }
        let give = |block: *mut Block, keep| {
            // SAFETY: taken above, returned once.
            unsafe { CENTRAL.give(Chain { slab, head: block, tail: block, count: 1 }, keep, KEY) }.unwrap()
        };
        for list in lists {
            one_by_one(list, |block| assert!(matches!(give(block, 0), Given::Taken)));
        }
        let first = slab.start() as *mut Block;
        let count = slab.used();
        for index in 0..count {
            let block = (first as usize + index * MIDDLE.size as usize) as *mut Block;
            let given = give(block, 0);
            assert_eq!(matches!(given, Given::Emptied(emptied) if core::ptr::eq(emptied, slab)), index + 1 == count);
        }
        assert!(take_slab(&CENTRAL).is_none() && CENTRAL.take_empty().is_none());
    }

    #[test]
    fn a_chain_of_a_slab_that_has_left_comes_back() {
        static CENTRAL: CentralList<OsLock> = CentralList::new();
        let slab = covered();
        add(&CENTRAL, slab, 1);
        let list = CENTRAL.take_blocks(KEY).unwrap();
        assert!(core::ptr::eq(take_slab(&CENTRAL).unwrap(), slab));
        let chain = Chain { slab, head: list.head, tail: list.head, count: 1 };
        // SAFETY: nothing is changed.
        assert!(matches!(unsafe { CENTRAL.give(chain, 1, KEY) }, Ok(Given::Elsewhere(_))));
    }

    #[test]
    fn so_many_empty_slabs_stay_as_are_asked_for() {
        static CENTRAL: CentralList<OsLock> = CentralList::new();
        let gone = (0..5).filter(|_| add(&CENTRAL, covered(), 3).is_some()).count();
        assert_eq!(gone, 2);
        assert_eq!(core::iter::from_fn(|| CENTRAL.take_empty()).count(), 3);
    }

    #[test]
    fn a_list_goes_back_to_all_its_slabs() {
        static CENTRAL: CentralList<OsLock> = CentralList::new();
        let slabs = [covered(), covered()];
        assert!(slabs.iter().all(|slab| add(&CENTRAL, slab, 2).is_none()));
        let mut all = std::vec![];
        while let Some(list) = CENTRAL.take_blocks(KEY) {
            one_by_one(list, |block| all.push(block));
        }
        let (mut head, count) = (core::ptr::null_mut(), all.len());
        // Every second one of the first slab is followed by one of the second.
        all.sort_by_key(|&block| (block as usize % SLICE, block as usize));
        for block in all {
            // SAFETY: taken above.
            unsafe { Block::set_next(block, head, KEY) };
            head = block;
        }
        let mut gone = 0;
        // SAFETY: taken above, and freed once.
        let given = unsafe { CENTRAL.give_all(List { head, count }, &MIDDLE, 1, KEY, |_| gone += 1) };
        assert_eq!((given, gone), (Ok(()), 1));
        let list = List { head, count: 1 };
        // SAFETY: refused, whether the slab of the block has gone or has no used block.
        let given = unsafe { CENTRAL.give_all(list, &MIDDLE, 1, KEY, |_| panic!("no slab")) };
        assert!(given.is_err());
    }
}
