//! The central heap: a central list for each class.

use super::classes::SizeClasses;
use core::marker::PhantomData;
use xalloc_blocks::central_list::CentralList;
use xalloc_blocks::lock_policy::LockPolicy;

/// The central lists of the classes `T`, guarded as `L` says.
pub struct CentralHeap<const N: usize, T, L> {
    lists: [CentralList<L>; N],
    classes: PhantomData<fn() -> T>,
}

impl<const N: usize, T: SizeClasses<N>, L: LockPolicy> CentralHeap<N, T, L> {
    /// Returns lists of no slabs.
    pub const fn new() -> Self {
        Self { lists: [const { CentralList::new() }; N], classes: PhantomData }
    }

    /// Returns the list of a class.
    pub fn list(&self, class: usize) -> &CentralList<L> {
        &self.lists[class]
    }

    /// Returns all lists, by class from 1 on.
    pub fn lists(&self) -> impl Iterator<Item = &CentralList<L>> {
        self.lists[1..].iter()
    }

    /// Returns the list that is the owner of a slab, as the page map has it; `None` if a thread's heap is.
    pub fn of_owner(&self, owner: usize) -> Option<&CentralList<L>> {
        let offset = owner.wrapping_sub(self.lists.as_ptr() as usize);
        self.lists.get(offset / size_of::<CentralList<L>>())
    }
}
