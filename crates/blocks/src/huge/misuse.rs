//! What is wrong with a pointer into a mapping.

use super::kept::Record;
use super::state::Huge;
use xalloc_heap::{Misuse, Refusal};

impl Huge {
    /// Returns what an address is that lies in the first slice of the mapping of `record`, and is no block in use: the rest of that
    /// slice may be anybody's.
    pub fn refusal_at(&self, address: usize, record: *mut u8) -> Refusal {
        self.with_record(record, |_, record| record.refusal_at(address))
    }

    /// Returns what is wrong with an address in a mapping, of a block or kept. `None` if it is in none, or a block in use. Looks at every
    /// mapping.
    pub fn misuse_at(&self, address: usize) -> Option<Misuse> {
        self.state.with(|state| state.records().find_map(|record| record.misuse_at(address)))
    }
}

impl Record {
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
