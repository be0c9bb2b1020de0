//! How far a purge goes.

/// Which free pages to purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeScope {
    /// Those that were free already at the last purge of this scope. Of a huge page, only if that is half of it or more:
    /// splitting one purges memory, but loses its speed.
    Aged,
    /// As `Aged`, but what is free now is not noted for the next purge, because the last one was only a moment ago.
    AgedBefore,
    /// All but parts of huge pages.
    Whole,
    /// All.
    All,
}
