//! What is wrong with a pointer into a mapping.

use super::Huge;
use xalloc_heap::Misuse;

impl Huge {
    /// What there is at an address in the mapping of `record` where no block starts.
    pub fn misuse_at(&self, address: usize, record: *mut u8) -> Misuse {
        self.with_record(record, |_, record| match record.start {
            0 if address == record.entered => Misuse::FreedBefore { size: record.size },
            0 => Misuse::FreeMemory,
            start if address.wrapping_sub(start) < record.size => {
                Misuse::Interior { offset: address - start, size: record.size }
            }
            _ => Misuse::FreeMemory,
        })
    }
}
