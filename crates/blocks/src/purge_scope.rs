//! How far a purge goes.

/// Which free pages to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeScope {
    /// Those that were free already when somebody last asked for these; of a huge page at least half of it: splitting one gives
    /// its memory back, but not its speed.
    Aged,
    /// The same, but what is free now is not noted as such: it was hardly free for longer than when these were asked for last.
    AgedBefore,
    /// All but parts of huge pages.
    Whole,
    /// All.
    All,
}
