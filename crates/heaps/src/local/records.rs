//! Records that nobody uses any more, by size.

use core::ptr::null_mut;

/// The records that are free: for each size a list.
pub struct FreeRecords {
    /// The first one of some size.
    first: *mut FreeRecord,
}

// SAFETY: the records belong to the lists, not to a thread.
unsafe impl Send for FreeRecords {}

/// A record that is free.
struct FreeRecord {
    size: usize,
    /// The next one of this size.
    next: *mut FreeRecord,
    /// Of the first one of its size: the first one of another size.
    other: *mut FreeRecord,
}

impl FreeRecords {
    /// The least size of a record.
    pub const LEAST: usize = size_of::<FreeRecord>();

    /// Returns lists of no records.
    pub const fn new() -> Self {
        Self { first: null_mut() }
    }

    /// Returns where the first record of a size is linked, or where it would be.
    fn link(&mut self, size: usize) -> *mut *mut FreeRecord {
        let mut link = &raw mut self.first;
        // SAFETY: the records are free, and so the lists'.
        unsafe {
            while !(*link).is_null() && (**link).size != size {
                link = &raw mut (**link).other;
            }
        }
        link
    }

    /// Takes a record of this size; `None` if there is none.
    pub fn take(&mut self, size: usize) -> Option<*mut u8> {
        let link = self.link(size);
        // SAFETY: as in `link`. The first one goes last: the other sizes are linked behind it.
        unsafe {
            let first = *link;
            if first.is_null() {
                return None;
            }
            let next = (*first).next;
            if next.is_null() {
                *link = (*first).other;
                return Some(first.cast());
            }
            (*first).next = (*next).next;
            Some(next.cast())
        }
    }

    /// Takes a record of this size back.
    ///
    /// # Safety
    /// It is memory of this size, at least [`FreeRecords::LEAST`], that nobody uses, aligned to 8.
    pub unsafe fn give(&mut self, record: *mut u8, size: usize) {
        let record = record.cast::<FreeRecord>();
        let link = self.link(size);
        // SAFETY: the caller's; otherwise as in `link`.
        unsafe {
            let first = *link;
            if first.is_null() {
                record.write(FreeRecord { size, next: null_mut(), other: null_mut() });
                *link = record;
            } else {
                record.write(FreeRecord { size, next: (*first).next, other: null_mut() });
                (*first).next = record;
            }
        }
    }
}
