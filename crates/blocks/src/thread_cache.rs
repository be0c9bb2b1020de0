//! The free blocks that a thread has cached: a bin for each class, and how many blocks it may hold.
//!
//! Little at first. A class whose blocks went back to their slabs and were wanted again has too small a limit: it is doubled,
//! as long as all classes together stay within an allowance (each bin may hold its limit twice, in the list and in the previous
//! one). Now and then, and when the allowance is used up, classes are scanned: a bin that has not changed since the last scan
//! falls back to its first limit, and all that it holds is to go back to the slabs. A few cached blocks can keep as many slabs
//! in use; a program that uses one size after the other would end up with slabs of all of them.
//!
//! The hit paths are [`Bin`]'s. What is here is for slow paths: who has access to the cache's heap calls it.

use crate::bin::Bin;
use crate::cached::Cached;
use crate::free_list::{Block, Key, List};
use crate::single_writer::{Count16, Word};
use crate::size_class::Class;
use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::null_mut;

/// A bin's first limit: this many bytes of blocks, within these bounds.
const FIRST_BYTES: usize = 32 << 10;
const FIRST_BLOCKS: (usize, usize) = (2, 32);
/// No limit grows beyond this.
const MOST_BYTES: usize = 128 << 10;

/// In [`Counts::look`]: blocks went back to slabs since the last refill.
const FLUSHED: u16 = 1;

/// What the slow paths need of one bin.
#[repr(C)]
struct Counts {
    /// How long the bin's list was when its `room` was last set to `limit`.
    base: Count16,
    /// How many blocks beyond `base` the list may hold.
    limit: Count16,
    /// The length of the previous list.
    previous: Count16,
    /// [`FLUSHED`]; in the other bits a fingerprint of the bin when it was scanned last.
    look: Count16,
}

/// A thread's bins of the classes from 1 to `N` - 1. Zeroed memory is one that has not been [`init`](Self::init)ed.
///
/// It is for one thread at a time:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>() {}
/// share::<xalloc_blocks::thread_cache::ThreadCache<4>>();
/// ```
#[repr(C)]
pub struct ThreadCache<const N: usize> {
    /// First, so that a bin's address says which cache it is of, and which class.
    bins: [Bin; N],
    counts: [Counts; N],
    /// By how many bytes all limits were raised above the first ones.
    raised: Word,
    /// The class that was scanned last.
    scanned: Count16,
    not_shared: PhantomData<Cell<()>>,
}

/// The lists of a bin that was full, after [`ThreadCache::turn`].
pub struct Turned {
    /// How many blocks were in its list, which is the previous one now.
    pub count: usize,
    /// The previous list before, which is to go back to the slabs.
    pub old: List,
}

/// No blocks.
const NOTHING: List = List { head: null_mut(), count: 0 };

impl<const N: usize> ThreadCache<N> {
    /// Sets it up, with a table of its classes.
    pub fn init(&self, table: &[Class; N]) {
        for class in &table[1..] {
            let number = class.number as usize;
            self.bins[number].init(class);
            self.counts[number].limit.set(first_limit(class));
            self.clear(number);
        }
    }

    /// Returns the bin of a class.
    #[inline(always)]
    pub fn bin(&self, class: usize) -> &Bin {
        &self.bins[class]
    }

    /// Returns the class of the bin that starts `offset` bytes behind the cache's start.
    #[inline(always)]
    pub fn class_at(offset: usize) -> usize {
        offset / size_of::<Bin>()
    }

    /// Has the next free into every bin take a slow path. For any thread.
    pub fn nudge_all(&self) {
        self.bins[1..].iter().for_each(Bin::nudge);
    }

    /// Has frees take the hit path again.
    pub fn answer_nudge(&self, table: &[Class; N]) {
        table[1..].iter().for_each(|class| self.bins[class.number as usize].answer_nudge(class));
    }

    /// Returns how many blocks a bin's list has.
    pub fn length(&self, class: usize) -> usize {
        let Counts { base, limit, .. } = &self.counts[class];
        (i32::from(base.get()) + i32::from(limit.get()) - self.bins[class].room.get()).max(0) as usize
    }

    /// Returns how many blocks of a class are cached.
    pub fn cached(&self, class: usize) -> usize {
        let has_previous = !self.bins[class].previous.get().is_null();
        self.length(class) + if has_previous { self.counts[class].previous.get() as usize } else { 0 }
    }

    /// Returns what is cached of all classes. For any thread.
    pub fn all_cached(&self, table: &[Class; N]) -> Cached {
        table[1..].iter().map(|class| Cached::of(class, self.cached(class.number as usize))).sum()
    }

    /// Gives a bin a list that the limit does not count: it does not go back to slabs at the next free.
    ///
    /// # Safety
    /// The blocks of the list are of the class, free, and the caller's. The bin's list is empty, or its blocks are in `list`.
    pub unsafe fn refill(&self, class: usize, list: List) {
        self.bins[class].head.set(list.head);
        self.counts[class].base.set(list.count as u16);
        self.bins[class].room.set(i32::from(self.counts[class].limit.get()));
    }

    /// Gives a bin its previous list, which the limit counts. Returns false if it has none.
    pub fn refill_from_previous(&self, class: usize) -> bool {
        let (bin, counts) = (&self.bins[class], &self.counts[class]);
        let List { head, count } = self.take_previous(class);
        if head.is_null() {
            return false;
        }
        bin.head.set(head);
        counts.base.set(0);
        bin.room.set(i32::from(counts.limit.get()) - count as i32);
        true
    }

    /// Leaves a bin without a list.
    pub fn clear(&self, class: usize) {
        // SAFETY: no blocks. Those of the bin's list are the caller's, or lost.
        unsafe { self.refill(class, NOTHING) };
    }

    /// Takes a bin's list.
    pub fn take(&self, class: usize) -> List {
        let list = List { head: self.bins[class].head.get(), count: self.length(class) };
        self.clear(class);
        list
    }

    /// Takes a bin's previous list, which no hit path touches.
    pub fn take_previous(&self, class: usize) -> List {
        let (bin, counts) = (&self.bins[class], &self.counts[class]);
        let list = List { head: bin.previous.get(), count: counts.previous.get() as usize };
        bin.previous.set(null_mut());
        counts.previous.set(0);
        list
    }

    /// Makes a full bin's list the previous one.
    pub fn turn(&self, class: usize) -> Turned {
        let old = self.take_previous(class);
        let (head, count) = (self.bins[class].head.get(), self.length(class));
        // Previous first: who looks for a block meanwhile finds it in one of the two.
        self.bins[class].previous.set(head);
        self.counts[class].previous.set(count as u16);
        self.clear(class);
        if !old.head.is_null() {
            let look = &self.counts[class].look;
            look.set(look.get() | FLUSHED);
        }
        Turned { count, old }
    }

    /// Returns whether blocks of the class went back to slabs since the last call: its limit was too small if it is refilled
    /// now.
    pub fn was_flushed(&self, class: usize) -> bool {
        let look = &self.counts[class].look;
        let flushed = look.get() & FLUSHED != 0;
        look.set(look.get() & !FLUSHED);
        flushed
    }

    /// Cuts the first blocks off a bin's list, `most` at most. A block that was written to ends them.
    pub fn cut(&self, class: usize, most: usize, key: Key) -> Option<List> {
        let bin = &self.bins[class];
        let head = bin.head.get();
        if head.is_null() {
            return None;
        }
        let (mut tail, mut count) = (head, 1);
        let rest = loop {
            // SAFETY: a free block of this cache, in the bin's list. One that was written to ends the list: whoever pops it
            // reports it.
            let Ok(next) = (unsafe { Block::next(tail, key) }) else { break null_mut() };
            if count == most || next.is_null() {
                // SAFETY: as above.
                unsafe { Block::set_next(tail, null_mut(), key) };
                break next;
            }
            (tail, count) = (next, count + 1);
        };
        if rest.is_null() {
            self.clear(class);
        } else {
            bin.head.set(rest);
            bin.room.set(bin.room.get() + count as i32);
        }
        Some(List { head, count })
    }

    /// Counts the blocks of a bin anew. A list that was written to ends where that shows.
    pub fn recount(&self, class: usize, key: Key) {
        let head = self.bins[class].head.get();
        // SAFETY: the bin's own list.
        unsafe { self.refill(class, List { head, count: count(head, key) }) };
    }

    /// Doubles the limit of a class. Returns false if all limits together would be above `allowance` bytes more than the first
    /// ones; a limit that is large enough stays.
    pub fn raise_limit(&self, class: &Class, allowance: usize) -> bool {
        let number = class.number as usize;
        let limit = self.counts[number].limit.get();
        let more = limit as usize * class.size as usize;
        if 2 * more > MOST_BYTES {
            return true;
        }
        let raised = self.raised.get() + more;
        if raised > allowance {
            return false;
        }
        self.set_limit(number, limit * 2);
        self.raised.set(raised);
        true
    }

    /// Scans the next class in turn, but not `busy`, which its caller is changing. If its bin has not changed since the last
    /// scan, the limit falls back, and the class is returned: nothing of it is to stay cached. `beside` has a part in the
    /// fingerprint, for what is cached of a class in another place.
    pub fn scan_next(&self, table: &[Class; N], busy: usize, beside: impl Fn(usize) -> usize) -> Option<usize> {
        let class = self.scanned.get() as usize % (N - 1) + 1;
        self.scanned.set(class as u16);
        if class == busy || self.has_changed(class, beside(class)) {
            return None;
        }
        let first = first_limit(&table[class]);
        let above = (self.counts[class].limit.get() - first) as usize * table[class].size as usize;
        self.raised.set(self.raised.get() - above);
        self.set_limit(class, first);
        Some(class)
    }

    /// Changes a limit; the list stays, and is full at once if it is longer than it may be now.
    fn set_limit(&self, class: usize, limit: u16) {
        let (bin, old) = (&self.bins[class], self.counts[class].limit.get());
        bin.room.set(bin.room.get() + i32::from(limit) - i32::from(old));
        self.counts[class].limit.set(limit);
    }

    /// Returns whether a bin has changed since the last scan. By a fingerprint of 15 bits, which is wrong once in some thousand
    /// times; that costs a refill.
    fn has_changed(&self, class: usize, beside: usize) -> bool {
        let fingerprint = ((fingerprint(&self.bins[class]) ^ beside << 1) as u16) << 1;
        let look = &self.counts[class].look;
        let before = look.get() & !FLUSHED;
        look.set(look.get() & FLUSHED | fingerprint);
        before != fingerprint
    }
}

/// Returns a fingerprint of a bin: another number as soon as it has changed, in nearly all cases.
pub fn fingerprint(bin: &Bin) -> usize {
    let head = bin.head.get() as usize / 16;
    head ^ head >> 15 ^ bin.room.get() as usize
}

/// Returns the first limit of a class, in blocks.
fn first_limit(class: &Class) -> u16 {
    (FIRST_BYTES / class.size as usize).clamp(FIRST_BLOCKS.0, FIRST_BLOCKS.1) as u16
}

/// Returns the number of blocks of a list that may not be whole.
///
/// # Safety
/// The blocks are free and the caller's, as far as the list can be followed.
pub unsafe fn count(head: *mut Block, key: Key) -> usize {
    let (mut count, mut block) = (0, head);
    // Not for ever, should a handler have made a ring of it.
    while !block.is_null() && count < u16::MAX as usize {
        count += 1;
        // SAFETY: the caller's: a free block of its own; a list is whole after every store of a hit path.
        block = unsafe { Block::next(block, key) }.unwrap_or(null_mut());
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::free_list::KeyCell;
    use crate::size_class::{LARGE, MIDDLE, SMALL};
    use crate::slab::tests::{KEY, opened, take};
    use std::boxed::Box;

    static CELL: KeyCell = KeyCell::new(KEY);
    static TABLE: [Class; 4] = [Class::NONE, Class::new(1, 16, 1), Class::new(2, 512, 1), Class::new(3, 32 << 10, 8)];

    fn cache() -> Box<ThreadCache<4>> {
        // SAFETY: zeros are a cache that was not set up.
        let cache = unsafe { Box::<ThreadCache<4>>::new_zeroed().assume_init() };
        cache.init(&TABLE);
        cache
    }

    /// Frees one more block of the list into the bin. Whether it was full.
    fn free(cache: &ThreadCache<4>, class: usize, blocks: &mut List) -> bool {
        let block = blocks.head;
        // SAFETY: a chain of a slab of the test's own; the block is used by nobody.
        unsafe {
            blocks.head = Block::next(block, KEY).unwrap();
            !cache.bin(class).push(block, &CELL)
        }
    }

    #[test]
    fn the_classes_are_those_of_the_tests() {
        assert_eq!([SMALL, MIDDLE, LARGE].map(|class| class.size), [1, 2, 3].map(|number| TABLE[number].size));
        assert_eq!(ThreadCache::<4>::class_at(2 * size_of::<Bin>()), 2);
    }

    #[test]
    fn a_full_list_becomes_the_previous_one_and_comes_back() {
        let (cache, mut blocks) = (cache(), take(opened(&SMALL)).unwrap());
        assert!(!cache.refill_from_previous(1));
        let limit = FIRST_BLOCKS.1;
        assert!((0..limit).all(|_| !free(&cache, 1, &mut blocks)), "up to the limit");
        assert!(free(&cache, 1, &mut blocks));
        let turned = cache.turn(1);
        assert_eq!((turned.count, turned.old.count), (limit + 1, 0));
        assert!(!cache.was_flushed(1));
        assert_eq!((cache.length(1), cache.cached(1)), (0, limit + 1));
        assert!((0..limit).all(|_| !free(&cache, 1, &mut blocks)) && free(&cache, 1, &mut blocks));
        assert_eq!(cache.turn(1).old.count, limit + 1);
        assert!(cache.was_flushed(1) && !cache.was_flushed(1));
        assert!(cache.refill_from_previous(1));
        assert_eq!((cache.length(1), cache.cached(1)), (limit + 1, limit + 1));
        assert_eq!(cache.all_cached(&TABLE), Cached { blocks: limit + 1, bytes: (limit + 1) * 16 });
        cache.recount(1, KEY);
        assert_eq!(cache.take(1).count, limit + 1);
        assert_eq!(cache.cached(1), 0);
    }

    #[test]
    fn cuts_the_first_blocks_off() {
        let cache = cache();
        assert!(cache.cut(1, 3, KEY).is_none());
        let list = take(opened(&SMALL)).unwrap();
        // SAFETY: blocks of a slab of the test's own.
        unsafe { cache.refill(1, list) };
        let cut = cache.cut(1, 3, KEY).unwrap();
        // SAFETY: as above.
        assert_eq!((cut.head, cut.count, unsafe { count(cut.head, KEY) }), (list.head, 3, 3));
        assert_eq!(cache.length(1), list.count - 3);
        assert_eq!(cache.cut(1, usize::MAX, KEY).unwrap().count, list.count - 3);
        assert_eq!(cache.length(1), 0);
    }

    #[test]
    fn limits_rise_within_an_allowance_and_fall_when_idle() {
        let cache = cache();
        assert!(!cache.raise_limit(&TABLE[2], 0));
        let first = first_limit(&TABLE[2]) as usize;
        assert!(cache.raise_limit(&TABLE[2], first * 512));
        assert!(!cache.raise_limit(&TABLE[2], first * 512), "the allowance is used up");
        let scan = || (0..3).filter_map(|_| cache.scan_next(&TABLE, 0, |_| 0)).collect::<std::vec::Vec<_>>();
        assert!(scan().is_empty(), "the first scan has nothing to compare with");
        assert_eq!(scan(), [1, 2, 3], "nothing has changed");
        assert!(cache.raise_limit(&TABLE[2], first * 512), "the limit fell back");
        assert_eq!(cache.scan_next(&TABLE, 1, |_| 0), None, "it is busy");
    }
}
