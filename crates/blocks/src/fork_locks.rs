//! A heap's locks over a fork: all of them are held while the process is copied, so that what they guard is whole in the child.
//!
//! A fork may come where another one is under way in the same thread: from a signal handler that interrupted it, or because the
//! program calls `xalloc_prefork` and then libc's `fork`. It may also come from a handler that interrupted the heap under some
//! of its locks.

use crate::single_writer::{Bits64, Count32};
use xalloc_os::{Lock, thread};

/// Which of a heap's locks a fork took. The heap names the same locks in each call, in the order in which they nest.
pub struct ForkLocks {
    /// A bit for each lock, in that order.
    taken: Bits64,
    /// Forks that are made inside of one. Under all locks, as `taken` is.
    inside: Count32,
}

impl ForkLocks {
    /// Returns the state while no fork is under way.
    pub const fn new() -> Self {
        Self { taken: Bits64::new(0), inside: Count32::new(0) }
    }

    /// Takes all locks, but for those that this thread holds already: waiting would be for itself. If it holds all of them,
    /// this is a fork inside of another one. Returns whether it is not.
    ///
    /// A handler that forks where it interrupted the holder of a late lock takes earlier ones after it. If another thread holds
    /// one of those and waits for the late one, both wait for ever: POSIX allows no `fork` there in a program with several
    /// threads.
    pub fn acquire<'a>(&self, locks: impl Iterator<Item = &'a Lock>) -> bool {
        let me = thread::token();
        let mut taken = 0;
        for (index, lock) in locks.enumerate() {
            if !lock.is_mine(me) {
                lock.acquire();
                taken |= 1 << index;
            }
        }
        match taken {
            0 => self.inside.set(self.inside.get() + 1),
            _ => self.taken.set(taken),
        }
        taken != 0
    }

    /// Releases what [`ForkLocks::acquire`] took, in the parent. Returns whether this was the outermost fork.
    pub fn release_in_parent<'a>(&self, locks: impl Iterator<Item = &'a Lock>) -> bool {
        let inside = self.inside.get();
        if inside > 0 {
            self.inside.set(inside - 1);
            return false;
        }
        self.release(locks);
        true
    }

    /// Releases what [`ForkLocks::acquire`] took, in the child, whose only thread is the one that took them. That includes the
    /// locks of a fork that was interrupted; when that one goes on, none are left to release. A slow path that was interrupted
    /// releases its locks itself when the handler has returned.
    pub fn release_in_child<'a>(&self, locks: impl Iterator<Item = &'a Lock>) {
        self.inside.set(0);
        self.release(locks);
    }

    fn release<'a>(&self, locks: impl Iterator<Item = &'a Lock>) {
        let taken = self.taken.get();
        self.taken.set(0);
        for (index, lock) in locks.enumerate() {
            if taken >> index & 1 != 0 {
                // SAFETY: its bit says that `acquire` took it in this thread, and it was not released since.
                unsafe { lock.release() };
            }
        }
    }
}
