//! stdio's list of open files, which `fork` needs to be unlocked on glibc. Here libSystem sees to it.

/// Never there.
#[derive(Clone, Copy)]
pub enum StdioList {}

impl StdioList {
    /// `None`: libSystem's `fork` takes no lock of stdio.
    pub fn find() -> Option<Self> {
        None
    }

    /// Takes the lock.
    pub fn lock(self) {
        match self {}
    }

    /// Gives it back, in the parent.
    pub fn unlock(self) {
        match self {}
    }

    /// Makes it free in a forked child.
    pub fn reset(self) {
        match self {}
    }
}
