//! What is wrong with a pointer into a chunk of runs.

use super::margin;
use super::run_chunk::{PAGE, PageSets, RunChunk};
use xalloc_heap::Misuse;

impl RunChunk {
    /// Returns what there is at an address of the chunk where no run starts.
    pub fn misuse_at(&self, address: usize, pages: &PageSets) -> Misuse {
        let Some(page) = self.page_at(address) else { return Misuse::FreeMemory };
        if pages.free.all_in(page, 1) {
            return match self.freed_length(page) {
                length @ 1.. if address.is_multiple_of(PAGE) => {
                    Misuse::FreedBefore { size: margin::usable(length) * PAGE }
                }
                _ => Misuse::FreeMemory,
            };
        }
        let start = (0..=page).rev().find(|&page| self.length(page) != 0).unwrap_or(page);
        Misuse::Interior {
            offset: address - self.base.get() - start * PAGE,
            size: margin::usable(self.length(start)) * PAGE,
        }
    }
}
