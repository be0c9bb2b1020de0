//! Exclusive access to the slow-path state of a thread heap: slabs, partial lists, flags, counts. Its owner takes it at the
//! beginning of each slow path; meanwhile another thread may take it, to splice in what waits for an owner that sleeps.
//!
//! For the owner that is one atomic operation on a line that is nearly always its own. A helper takes a lock first: so there is
//! one at a time, and an owner that meets it sleeps on that lock. A helper never waits.
//!
//! The word also tells a fork, which stops other threads at any instruction, whether the heap is whole in the child.

use crate::sync::{AtomicU32, Lock, LockGuard, Ordering, fence};

const FREE: u32 = 0;
/// The owner is in a slow path.
const OWNER: u32 = 1;
/// A helper is at work.
const HELPER: u32 = 2;

/// Who has access.
pub struct Access {
    holder: AtomicU32,
    /// Held by a helper for as long as it is at work, or finds out whether it may be.
    helpers: Lock,
}

impl Access {
    /// Returns access that no thread has, made of `holder`, which is 0, and `helpers`, which is free.
    pub const fn around(holder: AtomicU32, helpers: Lock) -> Self {
        Self { holder, helpers }
    }

    /// Gives the owner access until the guard is dropped. May be nested, by slow paths that call each other.
    pub fn begin(&self) -> Change<'_> {
        // Relaxed: only the owner itself makes it OWNER.
        if self.holder.load(Ordering::Relaxed) == OWNER {
            return Change { access: self, outer: OWNER };
        }
        if !self.enter(OWNER) {
            self.begin_after_helper();
        }
        Change { access: self, outer: FREE }
    }

    #[cold]
    #[inline(never)]
    fn begin_after_helper(&self) {
        // A helper has access only while it holds this lock, so there is none now, and the exchange succeeds.
        let _no_helper = self.helpers.lock();
        self.enter(OWNER);
    }

    #[inline]
    fn enter(&self, holder: u32) -> bool {
        // Acquire: all that the last holder did is seen. Relaxed on failure: nothing was entered.
        let entered = self.holder.compare_exchange(FREE, holder, Ordering::Acquire, Ordering::Relaxed).is_ok();
        // Release: no store of the change is visible to a fork before the mark.
        fence(Ordering::Release);
        entered
    }

    /// Keeps other helpers away until the guard is dropped, and the owner once [`Helping::begin`] was called. `None` if there
    /// is a helper.
    pub fn try_help(&self) -> Option<Helping<'_>> {
        self.helpers.try_lock().map(|guard| Helping { access: self, _guard: guard })
    }

    /// Returns the lock that keeps helpers away, for the owner's fork: its heap must not be in the middle of a helper's change
    /// in the child.
    pub fn helpers(&self) -> &Lock {
        &self.helpers
    }

    /// Returns whether no thread had access a moment ago. It stays false in a child whose parent was forked while another
    /// thread had it.
    pub fn is_free(&self) -> bool {
        // Relaxed: the child has one thread; other askers want a hint.
        self.holder.load(Ordering::Relaxed) == FREE
    }
}

/// The place of the one helper, until it is dropped.
pub struct Helping<'a> {
    access: &'a Access,
    _guard: LockGuard<'a>,
}

impl Helping<'_> {
    /// Gives the helper access until the guard is dropped. `None` if the owner has it.
    pub fn begin(&self) -> Option<Change<'_>> {
        self.access.enter(HELPER).then(|| Change { access: self.access, outer: FREE })
    }
}

/// Access, until it is dropped.
pub struct Change<'a> {
    access: &'a Access,
    /// What it was before.
    outer: u32,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        // Release: the next holder sees all of the change, and so does a fork that sees no mark.
        self.access.holder.store(self.outer, Ordering::Release);
    }
}
