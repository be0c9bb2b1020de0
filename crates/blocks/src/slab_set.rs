//! The slabs of a heap, by class: blocks are taken from those that have free ones, and go back to them.
//!
//! Of a class of which no block is used any more, one slab may stay, so that a program that frees its last block of a size and
//! allocates it again does not go to the arena each time. What has to be done with a slab that is to go is the caller's: the
//! set returns it.

use crate::free_list::{Block, Key, List};
use crate::partial_list::PartialList;
use crate::single_writer::Count32;
use crate::size_class::Class;
use crate::slab::{DoubleFree, Place, Slab};

/// How many slices of slabs are kept although none of their blocks is used, one slab of a class: this many, or an eighth of all
/// slices.
const EMPTY_SLICES: u32 = 64;
/// From how many slabs with few free blocks is collected at once, and how many blocks are enough.
const COLLECT_SLABS: usize = 8;
const COLLECT_BLOCKS: usize = 16;

/// Flags of a class: an empty slab of it is kept; the set has a slab of it, or had several; it had several at some time.
const KEEPS_EMPTY: usize = 1;
const HAS_SLAB: usize = 2;
const HAD_SLABS: usize = 4;

/// Slabs of the classes from 1 to `N` - 1, of one owner.
///
/// It is for one thread at a time:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>() {}
/// share::<xalloc_blocks::slab_set::SlabSet<4>>();
/// ```
pub struct SlabSet<const N: usize> {
    classes: [PartialList; N],
    slices: Count32,
    empty_slices: Count32,
}

/// What [`SlabSet::collect`] found.
#[derive(Clone, Copy, Default)]
pub struct Collected {
    /// The blocks.
    pub list: Option<List>,
    /// From which index of a slab on there is no block, if that has changed: see
    /// [`Bin::set_bound`](crate::bin::Bin::set_bound).
    pub bound: Option<usize>,
    /// A free block that was written to, if one was found: no other is looked for then. What was behind it in its list is lost.
    pub overwritten: Option<*mut Block>,
}

impl<const N: usize> SlabSet<N> {
    /// Returns a set of no slabs, as zeroed memory is one.
    #[cfg(test)]
    pub const fn new() -> Self {
        Self { classes: [const { PartialList::new() }; N], slices: Count32::new(0), empty_slices: Count32::new(0) }
    }

    /// Returns how many slices its slabs have.
    pub fn slices(&self) -> usize {
        self.slices.get() as usize
    }

    /// Returns whether it has a slab of the class, or had several: then the program will use what the next one has.
    pub fn has(&self, class: &Class) -> bool {
        self.list(class).has(HAS_SLAB)
    }

    /// Takes blocks of a class: all that the first slab has, and more if that is very few.
    pub fn collect(&self, class: &Class, key: Key) -> Collected {
        let partial = self.list(class);
        let mut collected = Collected::default();
        for _ in 0..COLLECT_SLABS {
            let Some(slab) = partial.first() else { break };
            if slab.used() == 0 && partial.has(KEEPS_EMPTY) {
                self.note_empty(class, false);
            }
            let carved = slab.carved();
            // SAFETY: the slab is this set's, whose only owner is here.
            let Some(list) = (unsafe { slab.take(key) }) else { break };
            if slab.carved() != carved {
                let is_only = !partial.has(HAD_SLABS);
                let bound = if is_only { slab.carved() / class.size as usize } else { class.capacity as usize };
                collected.bound = Some(bound);
            }
            // SAFETY: the slab is in this list, and only the set's owner is here.
            unsafe { partial.update(slab) };
            let all = match collected.list.map(|before| join(before, list, key)) {
                Some(Ok(all)) => all,
                Some(Err(block)) => {
                    collected.overwritten = Some(block);
                    list
                }
                None => list,
            };
            collected.list = Some(all);
            let is_enough = all.count >= COLLECT_BLOCKS || slab.place() != Place::Full;
            if is_enough || collected.overwritten.is_some() {
                break;
            }
        }
        collected
    }

    /// Adds a slab.
    ///
    /// # Safety
    /// The slab is the caller's, and in no set or list.
    pub unsafe fn add(&self, slab: &Slab) {
        let partial = self.list(slab.shape());
        partial.set(HAD_SLABS, partial.has(HAS_SLAB) || partial.has(HAD_SLABS));
        partial.set(HAS_SLAB, true);
        self.slices.set(self.slices.get() + u32::from(slab.shape().slices));
        // SAFETY: the caller's: the slab is this set's now, and in no list.
        unsafe { partial.update(slab) };
    }

    /// Gives a chain of `count` blocks back to one of its slabs. Returns whether the slab has to go: no block of it is used any
    /// more, and it may not stay (`may_keep` is false, or too many stay). It is in no set then.
    ///
    /// # Errors
    /// There are more blocks than are used of the slab: nothing is changed.
    ///
    /// # Safety
    /// The blocks from `head` to `tail` are the slab's, which is of this set, and nobody else has them.
    pub unsafe fn give(
        &self,
        slab: &Slab,
        (head, tail): (*mut Block, *mut Block),
        count: usize,
        may_keep: bool,
        key: Key,
    ) -> Result<bool, DoubleFree> {
        // SAFETY: the caller's: a chain of the slab's blocks that nobody else has.
        unsafe { slab.give(head, tail, count, key)? };
        let (class, partial) = (slab.shape(), self.list(slab.shape()));
        // SAFETY: the slab is this set's.
        unsafe { partial.update(slab) };
        if slab.used() > 0 {
            return Ok(false);
        }
        let most = EMPTY_SLICES.max(self.slices.get() / 8);
        if may_keep && !partial.has(KEEPS_EMPTY) && self.empty_slices.get() + u32::from(class.slices) <= most {
            self.note_empty(class, true);
            return Ok(false);
        }
        self.take_out(slab);
        Ok(true)
    }

    /// Takes out the slab of a class that was kept although none of its blocks is used.
    pub fn take_empty(&self, class: &Class) -> Option<&'static Slab> {
        let partial = self.list(class);
        if !partial.has(KEEPS_EMPTY) {
            return None;
        }
        self.note_empty(class, false);
        let slab = partial.iter().find(|slab| slab.used() == 0)?;
        self.take_out(slab);
        Some(slab)
    }

    /// Takes out the first slab of a class of which blocks can be had, whether others of it are used or not.
    pub fn take_partial(&self, class: &Class) -> Option<&'static Slab> {
        let partial = self.list(class);
        let slab = partial.first()?;
        if slab.used() == 0 && partial.has(KEEPS_EMPTY) {
            self.note_empty(class, false);
        }
        self.take_out(slab);
        Some(slab)
    }

    fn list(&self, class: &Class) -> &PartialList {
        &self.classes[class.number as usize]
    }

    /// Notes whether an empty slab of the class is kept; it was the other way before.
    fn note_empty(&self, class: &Class, is_kept: bool) {
        self.list(class).set(KEEPS_EMPTY, is_kept);
        let (before, slices) = (self.empty_slices.get(), u32::from(class.slices));
        self.empty_slices.set(if is_kept { before + slices } else { before - slices });
    }

    /// Takes out a slab that is in its list.
    fn take_out(&self, slab: &Slab) {
        let partial = self.list(slab.shape());
        // SAFETY: the slab is this set's, and in its list, because blocks of it can be had.
        unsafe { partial.remove(slab) };
        self.slices.set(self.slices.get() - u32::from(slab.shape().slices));
        partial.set(HAS_SLAB, partial.has(HAD_SLABS));
    }
}

/// Joins two lists. The first one is short, so that its end is near.
///
/// # Errors
/// A block that was written to: the end is not where it must be, and the first list is lost.
fn join(first: List, second: List, key: Key) -> Result<List, *mut Block> {
    let mut tail = first.head;
    for left in (0..first.count).rev() {
        // SAFETY: a chain of free blocks that were just taken from a slab.
        match unsafe { Block::next(tail, key) } {
            Ok(next) if left > 0 && !next.is_null() => tail = next,
            Ok(next) if left == 0 && next.is_null() => break,
            _ => return Err(tail),
        }
    }
    // SAFETY: as above.
    unsafe { Block::set_next(tail, second.head, key) };
    Ok(List { head: first.head, count: first.count + second.count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size_class::{MIDDLE, SMALL};
    use crate::slab::tests::{KEY, opened};
    use std::vec::Vec;

    fn blocks(list: List) -> Vec<*mut Block> {
        // SAFETY: a chain that the set just gave.
        let next = |&block: &*mut Block| unsafe { Block::next(block, KEY) }.ok().filter(|next| !next.is_null());
        core::iter::successors(Some(list.head), next).collect()
    }

    fn add(set: &SlabSet<4>, slab: &Slab) {
        // SAFETY: the test's own slab, which is in no set.
        unsafe { set.add(slab) };
    }

    /// Everything that a class has.
    fn drain(set: &SlabSet<4>, class: &Class) -> Vec<*mut Block> {
        let mut all = Vec::new();
        while let Some(list) = set.collect(class, KEY).list {
            let some = blocks(list);
            assert_eq!(some.len(), list.count);
            all.extend(some);
        }
        all
    }

    #[test]
    fn blocks_come_from_its_slabs_and_empty_ones_go() {
        let set = SlabSet::<4>::new();
        assert!(set.collect(&SMALL, KEY).list.is_none());
        let slabs = [opened(&SMALL), opened(&SMALL), opened(&MIDDLE)];
        slabs.iter().for_each(|slab| add(&set, slab));
        assert_eq!(set.slices(), 3);
        let small = drain(&set, &SMALL);
        assert_eq!(small.len(), 2 * SMALL.capacity as usize);
        let mut gone = 0;
        for block in small {
            let slab = slabs.iter().find(|slab| slab.contains(block as usize)).unwrap();
            // SAFETY: taken above, freed once.
            gone += usize::from(unsafe { set.give(slab, (block, block), 1, true, KEY) }.unwrap());
        }
        assert_eq!((gone, set.slices()), (1, 2), "one of two stays");
        let kept = set.take_empty(&SMALL).unwrap();
        assert!(slabs[..2].iter().any(|slab| core::ptr::eq(*slab, kept)));
        assert!(set.take_empty(&SMALL).is_none() && set.take_empty(&MIDDLE).is_none());
        assert_eq!(set.slices(), 1);
        let block = slabs[2].start() as *mut Block;
        // SAFETY: refused before anything is written.
        assert_eq!(unsafe { set.give(slabs[2], (block, block), 1, true, KEY) }, Err(DoubleFree));
    }

    #[test]
    fn a_slab_leaves_with_its_blocks_for_another_set() {
        let (one, other) = (SlabSet::<4>::new(), SlabSet::<4>::new());
        let slab = opened(&MIDDLE);
        add(&one, slab);
        let taken = blocks(one.collect(&MIDDLE, KEY).list.unwrap());
        assert!(core::ptr::eq(one.take_partial(&MIDDLE).unwrap(), slab));
        assert!(one.take_partial(&MIDDLE).is_none() && one.slices() == 0);
        add(&other, slab);
        assert_eq!(taken.len() + drain(&other, &MIDDLE).len(), MIDDLE.capacity as usize);
        assert!(other.take_partial(&MIDDLE).is_none() && other.slices() == 1, "all blocks are taken");
    }

    #[test]
    fn each_block_that_was_written_to_is_found() {
        let set = SlabSet::<4>::new();
        let slabs = [opened(&MIDDLE), opened(&MIDDLE), opened(&MIDDLE)];
        slabs.iter().for_each(|slab| add(&set, slab));
        drain(&set, &MIDDLE);
        let damaged = slabs.map(|slab| {
            let block = slab.start() as *mut Block;
            // SAFETY: taken above, and freed once; then a program writes to it.
            unsafe {
                set.give(slab, (block, block), 1, true, KEY).unwrap();
                block.cast::<usize>().write(1);
            }
            block
        });
        // The third one is the first of its list, where who takes it sees what it is.
        let found = [(); 2].map(|()| set.collect(&MIDDLE, KEY).overwritten);
        assert_eq!(found, [Some(damaged[0]), None]);
    }

    #[test]
    fn only_a_first_slab_has_a_bound_below_its_end() {
        let set = SlabSet::<4>::new();
        add(&set, opened(&SMALL));
        assert_eq!(set.collect(&SMALL, KEY).bound, Some(256), "the first page");
        drain(&set, &SMALL);
        add(&set, opened(&SMALL));
        assert_eq!(set.collect(&SMALL, KEY).bound, Some(SMALL.capacity as usize));
    }
}
