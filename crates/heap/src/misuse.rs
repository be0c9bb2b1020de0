//! What a program did wrong with a pointer, as data. Who serves the program with the heap says it, or ends the process.

/// The call that noticed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `malloc` and everything that allocates.
    Malloc,
    /// `free` and everything that frees: `delete`, `free_sized`, …
    Free,
    /// `realloc`, `reallocarray`.
    Realloc,
    /// `malloc_usable_size`.
    UsableSize,
}

/// What is wrong with a pointer. Sizes are usable sizes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// A block that was freed, and not handed out since.
    FreedBefore {
        /// Of the block.
        size: usize,
    },
    /// Not the start of a block.
    Interior {
        /// How far behind the block's start.
        offset: usize,
        /// Of the block.
        size: usize,
    },
    /// In memory of the heap where no block is at the moment.
    FreeMemory,
    /// A free block whose first two words are not what `free` wrote there.
    Overwritten {
        /// Of the block.
        size: usize,
    },
}

/// Why a heap does not do with a pointer what it was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It knows no such block: it may be another allocator's.
    NotMine,
    /// The program made a mistake.
    Misuse(Misuse),
}

impl From<Misuse> for Refusal {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

/// A mistake of the program that a heap noticed later than at the call that made it, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Where it was noticed.
    pub call: Call,
    /// The block that it is about, which need not be the call's own.
    pub address: usize,
    /// What is wrong with it.
    pub misuse: Misuse,
}

/// Takes what a heap has noticed. If it returns, the heap goes on as if nothing had been asked of it. No lock of the heap is held: a
/// handler of SIGABRT may allocate.
pub type Report = fn(Incident);
