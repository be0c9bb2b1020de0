//! What the heap holds, and what the policies of how much that may be make of it.

use super::heap::FastHeap;
use xalloc_blocks::held::Held;
use xalloc_blocks::purge_scope::PurgeScope;

/// What serves a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Slab,
    Run,
    Huge,
}

impl FastHeap {
    /// Returns what slabs, runs and huge blocks hold. Takes a look at every chunk.
    fn held(&self) -> Held {
        let (arena, runs, huge) = (self.arena.stats(), self.runs.stats(), self.huge.stats());
        Held {
            live: arena.in_slabs + runs.live + huge.live,
            free: arena.dirty + runs.dirty + huge.kept,
            huge: huge.live,
        }
    }

    /// Notes that blocks of a kind take `bytes` more than before. What the others keep goes, as far as it is more than was once
    /// in use.
    pub(super) fn grew(&self, kind: Kind, bytes: usize) {
        let Some(grown) = self.footprint.grew(bytes) else { return };
        let mut surplus = self.footprint.surplus(&self.held(), grown, self.is_lean());
        for other in [Kind::Huge, Kind::Run, Kind::Slab] {
            if other != kind && surplus > 0 {
                surplus = surplus.saturating_sub(match other {
                    Kind::Huge => self.huge.purge(surplus),
                    Kind::Run => self.runs.purge(surplus, PurgeScope::Whole),
                    Kind::Slab => self.arena.purge(surplus, PurgeScope::Whole),
                });
            }
        }
    }

    /// Notes that `bytes` of a slab, a run or a huge block became free.
    pub(super) fn released(&self, bytes: usize) {
        if self.surplus.released(bytes) {
            self.weigh_surplus();
        }
    }

    #[cold]
    fn weigh_surplus(&self) {
        if self.surplus.weigh(&self.weigh()) {
            self.nudge_all();
        }
    }

    /// Notes that a purge gave `purged` bytes.
    pub(super) fn note_purge(&self, purged: usize) {
        if !self.surplus.is_there() {
            return;
        }
        if purged > 0 {
            return self.surplus.note_purge();
        }
        let held = self.weigh();
        // Mappings wait for their own time.
        if held.is_little_free() || self.huge.stats().kept == 0 {
            self.surplus.note_vain_purge(&held);
        }
    }

    /// Returns what is held; blocks that wait for their owners count as free.
    fn weigh(&self) -> Held {
        let mut held = self.held();
        held.free += self.registry.all().map(|heap| heap.remote().waiting()).sum::<usize>();
        held
    }

    /// Has every thread come to a slow path with its next `free`: one that lives from its bins alone would not purge anything.
    fn nudge_all(&self) {
        for heap in self.registry.all().filter(|heap| !heap.ticking.is_on()) {
            heap.cache().nudge_all();
        }
    }
}
