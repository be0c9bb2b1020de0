//! What is wrong with a pointer into a mapping.

use super::Huge;
use super::records::Record;
use xalloc_heap::Misuse;

impl Huge {
    /// What there is at an address in the mapping of `record` where no block starts.
    pub fn misuse_at(&self, address: usize, record: *mut u8) -> Misuse {
        let mapping = self.mapping(Record::of(record));
        match mapping.start {
            0 if address == mapping.entered => Misuse::FreedBefore { size: mapping.size },
            0 => Misuse::FreeMemory,
            start if address.wrapping_sub(start) < mapping.size => {
                Misuse::Interior { offset: address - start, size: mapping.size }
            }
            _ => Misuse::FreeMemory,
        }
    }
}
