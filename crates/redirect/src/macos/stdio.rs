//! stdio's list of open files. Its lock needs no care here: libSystem's `fork` takes none of stdio.

/// A lock that does not exist on macOS.
#[derive(Clone, Copy)]
pub enum StdioList {}

impl StdioList {
    /// Returns `None`: libSystem's `fork` takes no lock of stdio.
    pub fn find() -> Option<Self> {
        None
    }

    /// Never called; see [`StdioList::find`].
    pub fn lock(self) {
        match self {}
    }

    /// Never called; see [`StdioList::find`].
    pub fn unlock(self) {
        match self {}
    }

    /// Never called; see [`StdioList::find`].
    pub fn reset(self) {
        match self {}
    }
}
