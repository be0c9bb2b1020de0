//! Purges freed mappings, or unmaps them.

use super::kept::Surplus;
use super::mapping::Mapping;
use super::records::{List, Record};
use super::state::{CLEAN_BYTES, Huge, State};
use xalloc_os::{clock, pages};

impl Huge {
    /// Keeps a freed block's mapping if it is as it was mapped, and unmaps it if not. Outside the lock, because the kernel may
    /// take long, and so by a copy of its record.
    pub(super) fn keep_if_intact(&self, record: &'static Record, mapping: &Mapping) {
        let is_intact = mapping.is_intact();
        self.watch.note(mapping.bytes, is_intact);
        if is_intact {
            self.state.with(|state| state.keep(record));
        } else {
            self.release(self.state.with(|state| state.taken(record)));
        }
    }

    /// Purges what is too much or was kept long enough, and unmaps what is more than that.
    pub fn clean_surplus(&self) {
        // Most programs keep nothing, and do not pay for the clock.
        if self.stats().kept == 0 {
            return;
        }
        let now = clock::coarse_milliseconds();
        self.purge_surplus(self.state.with(|state| state.take_surplus(now)), now);
    }

    /// Purges what is too much at the time `now`, of which `surplus` is the first.
    pub(super) fn purge_surplus(&self, mut surplus: Option<Surplus>, now: u64) {
        while let Some(mapping) = surplus {
            match mapping {
                Surplus::Dirty(record) => self.clean(record),
                Surplus::Clean(record) => self.release(record),
            };
            surplus = self.state.with(|state| state.take_surplus(now));
        }
    }

    /// Purges kept mappings, the oldest first, until it has purged `surplus` bytes. Returns how many it purged.
    pub fn purge(&self, surplus: usize) -> usize {
        let mut given = 0;
        while given < surplus
            && let Some(record) = self.state.with(State::take_oldest)
        {
            given += self.clean(record);
        }
        given
    }

    /// Purges a mapping that is in no list and not in the page map, and unmaps it if there are too many. Returns how many bytes
    /// it purged.
    fn clean(&self, record: &'static Record) -> usize {
        // Outside the lock, because the kernel may take long, and so on a copy.
        let mapping = self.mapping(record);
        let may_stay = mapping.length <= CLEAN_BYTES && mapping.is_intact();
        // SAFETY: a freed block's mapping, in no list and not in the page map, so that nobody uses it.
        if !(may_stay && unsafe { pages::purge(mapping.base, mapping.length) }) {
            return self.release(record);
        }
        self.state.with(|state| {
            let kept = state.records.mapping_mut(record);
            (kept.zeroed, kept.touched) = (true, 0);
            state.keep(record);
        });
        mapping.touched
    }

    /// Unmaps a mapping that is in no list and not in the page map. Returns how many bytes went.
    pub(super) fn release(&self, record: &'static Record) -> usize {
        // Outside the lock: the kernel may take long to unmap a large block, and may hand its addresses out before this
        // returns.
        let (base, length) = self.state.with(|state| {
            let mapping = state.records.mapping_mut(record);
            (mapping.base, core::mem::take(&mut mapping.length))
        });
        // SAFETY: a freed block's mapping, out of the page map.
        let unmapped = unsafe { pages::unmap(base, length) };
        self.state.with(|state| {
            state.records.mapping_mut(record).length = if unmapped { 0 } else { length };
            let list = if unmapped { &mut state.unused } else { &mut state.still_mapped };
            list.push(record, &mut state.records);
        });
        if unmapped { length } else { 0 }
    }

    /// Unmaps all that is kept, what the kernel would not unmap before, and what blocks do without of their mappings. Returns
    /// how many bytes it unmapped.
    pub fn trim(&self) -> usize {
        // Each of these mappings is tried once: those that stay come into the list again.
        let mut still_mapped = self.state.with(|state| core::mem::replace(&mut state.still_mapped, List::new()));
        let mut given = 0;
        while let Some(record) = self.state.with(|state| still_mapped.pop(&state.records)) {
            given += self.release(record);
        }
        while let Some(record) = self.state.with(State::take_any) {
            given += self.release(record);
        }
        given + self.state.with(State::cut_slack)
    }
}

impl State {
    fn cut_slack(&mut self) -> usize {
        if !core::mem::take(&mut self.has_slack) {
            return 0;
        }
        let mut given = 0;
        for record in self.records.all() {
            // A block whose `start` is not 0 is not being resized or freed, so that its record is not a copy of an older state.
            let mapping = self.records.mapping_mut(record);
            if mapping.start != 0 {
                given += mapping.cut();
            }
        }
        given
    }
}
