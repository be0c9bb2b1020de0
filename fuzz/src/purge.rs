//! A purge, and what it may take.

use xalloc_blocks::purge_scope::PurgeScope;

/// How much may have been free for long: what was free already when aged memory was last purged.
pub struct Ages(usize);

impl Ages {
    /// Returns that nothing is known: earlier inputs have left something.
    pub fn new() -> Self {
        Self(usize::MAX)
    }

    /// Has `purge` purge about `surplus` bytes of a scope that `which` stands for, and checks what it says: `dirty` returns how
    /// many bytes are free and may be resident.
    pub fn purge(
        &mut self,
        (surplus, which): (u32, u8),
        dirty: impl Fn() -> usize,
        purge: impl FnOnce(usize, PurgeScope) -> usize,
    ) {
        use PurgeScope::{Aged, AgedBefore, All, Whole};
        let scope = [Aged, AgedBefore, Whole, All][which as usize % 4];
        let before = dirty();
        let purged = purge(surplus as usize, scope);
        assert_eq!(dirty(), before - purged, "{scope:?}");
        if matches!(scope, Aged | AgedBefore) {
            assert!(purged <= self.0, "{purged} bytes were purged, of which {} have been free for long", self.0);
        }
        // What was not looked at, because enough was found before, is as old as it was.
        self.0 = if scope == Aged { dirty() } else { self.0.min(dirty()) };
    }
}

impl Default for Ages {
    fn default() -> Self {
        Self::new()
    }
}
