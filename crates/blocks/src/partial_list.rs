//! The slabs of a class in which blocks are free: those worth a visit first.

use crate::single_writer::Pointer;
use crate::slab::{Place, Slab};
use core::cell::Cell;
use core::marker::PhantomData;

/// A circular list, so that one pointer reaches both ends. In the lowest bits of that pointer, which records do not use, are
/// flags of the list's owner.
///
/// It is for one thread at a time:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>() {}
/// share::<xalloc_blocks::partial_list::PartialList>();
/// ```
#[repr(transparent)]
pub struct PartialList(Pointer<Slab>, PhantomData<Cell<()>>);

/// Records are aligned to a cache line.
const FLAGS: usize = align_of::<Slab>() - 1;

impl PartialList {
    /// Returns an empty list without flags, as zeroed memory is one.
    pub const fn new() -> Self {
        Self(Pointer::null(), PhantomData)
    }

    /// Returns whether a flag, a power of two below 64, is set.
    pub fn has(&self, flag: usize) -> bool {
        self.0.get().addr() & flag & FLAGS != 0
    }

    /// Sets or clears a flag.
    pub fn set(&self, flag: usize, value: bool) {
        let flag = flag & FLAGS;
        self.0.set(self.0.get().map_addr(|word| if value { word | flag } else { word & !flag }));
    }

    /// Returns the first slab.
    pub fn first(&self) -> Option<&'static Slab> {
        // SAFETY: records live as long as the process.
        unsafe { self.head().as_ref() }
    }

    /// Returns all slabs, the first one first. The list must not change meanwhile.
    pub fn iter(&self) -> impl Iterator<Item = &'static Slab> {
        let first = self.head();
        let next = move |slab: &&'static Slab| {
            let next = slab.next.get();
            // SAFETY: records live as long as the process, and a slab in a list has neighbours.
            (next != first).then(|| unsafe { &*next })
        };
        core::iter::successors(self.first(), next)
    }

    /// Puts `slab` where its [`Slab::fitting_place`] says, taking it from where it was.
    ///
    /// # Safety
    /// The caller is the only one that changes the list and the slab, which is in this list or in none, as its place says.
    pub unsafe fn update(&self, slab: &Slab) {
        let (old, new) = (slab.place(), slab.fitting_place());
        if old == new {
            return;
        }
        // SAFETY: the caller's; the place says whether it is in the list.
        unsafe {
            if old != Place::Full {
                self.remove(slab);
            }
            if new != Place::Full {
                self.insert(slab, new == Place::Ready);
            }
        }
        slab.set_place(new);
    }

    /// Takes `slab` out.
    ///
    /// # Safety
    /// As for [`update`](Self::update), and it is in the list.
    pub unsafe fn remove(&self, slab: &Slab) {
        let (next, previous) = (slab.next.get(), slab.previous.get());
        // SAFETY: the neighbours are in the same list, and records live as long as the process.
        unsafe {
            (*previous).next.set(next);
            (*next).previous.set(previous);
        }
        if core::ptr::eq(self.head(), slab) {
            self.set_head(if core::ptr::eq(next, slab) { core::ptr::null_mut() } else { next });
        }
        slab.set_place(Place::Full);
    }

    /// Puts `slab` at the front (`in_front`) or at the end, wherever its place says that it is.
    ///
    /// # Safety
    /// As for [`update`](Self::update), and it is in no list.
    pub unsafe fn insert(&self, slab: &Slab, in_front: bool) {
        let record = core::ptr::from_ref(slab).cast_mut();
        let Some(first) = self.first() else {
            slab.next.set(record);
            slab.previous.set(record);
            return self.set_head(record);
        };
        let last = first.previous.get();
        slab.next.set(core::ptr::from_ref(first).cast_mut());
        slab.previous.set(last);
        // SAFETY: the last one is in this list, and records live as long as the process.
        unsafe { (*last).next.set(record) };
        first.previous.set(record);
        if in_front {
            self.set_head(record);
        }
    }

    fn head(&self) -> *mut Slab {
        self.0.get().map_addr(|word| word & !FLAGS)
    }

    fn set_head(&self, slab: *mut Slab) {
        self.0.set(slab.map_addr(|address| address | self.0.get().addr() & FLAGS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::free_list::Block;
    use crate::size_class::SMALL;
    use crate::slab::tests::{KEY, opened, take};
    use std::vec::Vec;

    #[test]
    fn the_ready_are_in_front_and_flags_stay() {
        let list = PartialList::new();
        list.set(2, true);
        let slabs: Vec<_> = (0..3).map(|_| opened(&SMALL)).collect();
        for slab in &slabs {
            // One extent used, the rest not carved: sparse until enough come back.
            take(slab).unwrap();
            // SAFETY: one owner, this test.
            unsafe { list.update(slab) };
            assert_eq!(slab.place(), Place::Sparse);
        }
        let addresses = |list: &PartialList| list.iter().map(core::ptr::from_ref).collect::<Vec<_>>();
        assert_eq!(addresses(&list), [slabs[0], slabs[1], slabs[2]].map(core::ptr::from_ref));
        let block = slabs[2].start() as *mut Block;
        // SAFETY: the first extent's 256 blocks are chained in order, and go back once.
        unsafe {
            let tail = (block as usize + 255 * 16) as *mut Block;
            slabs[2].give(block, tail, 256, KEY).unwrap();
            list.update(slabs[2]);
        }
        assert!(core::ptr::eq(list.first().unwrap(), slabs[2]));
        assert!(list.has(2) && !list.has(1));
        for slab in &slabs {
            // SAFETY: as above.
            unsafe { list.remove(slab) };
        }
        assert!(list.first().is_none() && list.has(2));
        list.set(2, false);
        assert!(!list.has(2));
    }
}
