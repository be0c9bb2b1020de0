//! What is wrong with a pointer into a mapping.

use super::mapping::Mapping;
use super::records::Record;
use super::state::Huge;
use crate::page_map::Entry;
use xalloc_heap::{Misuse, Refusal};

impl Huge {
    /// Returns what an address is that has this entry in the page map, and is no block in use: it lies in the first slice of a
    /// mapping, the rest of which may be anybody's.
    pub fn refusal_at(&self, address: usize, entry: Entry) -> Refusal {
        self.mapping(Record::of(entry)).refusal_at(address)
    }

    /// Returns what is wrong with an address in a mapping, of a block or kept. `None` if it is in none, or a block in use.
    /// Looks at every mapping.
    pub fn misuse_at(&self, address: usize) -> Option<Misuse> {
        self.state.with(|state| state.records.mappings().find_map(|mapping| mapping.misuse_at(address)))
    }
}

impl Mapping {
    /// Returns [`Huge::refusal_at`], under the lock.
    pub fn refusal_at(&self, address: usize) -> Refusal {
        self.misuse_at(address).map_or(Refusal::NotMine, Refusal::Misuse)
    }

    fn misuse_at(&self, address: usize) -> Option<Misuse> {
        if address.wrapping_sub(self.base) >= self.length || address == self.start {
            return None;
        }
        Some(match self.start {
            0 if address == self.entered => Misuse::FreedBefore { size: self.size },
            0 => Misuse::FreeMemory,
            start if address.wrapping_sub(start) < self.size => {
                Misuse::Interior { offset: address - start, size: self.size }
            }
            _ => Misuse::FreeMemory,
        })
    }
}
