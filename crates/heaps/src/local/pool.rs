//! Memory for records, used again: of heaps, and of their large blocks.

use super::shared::SHARED;
use core::marker::PhantomData;
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

    fn take(&mut self, size: usize) -> Option<*mut FreeRecord> {
        let link = self.link(size);
        // SAFETY: as in `link`. The first one goes last: the other sizes are linked behind it.
        unsafe {
            let first = (*link).as_mut()?;
            let Some(next) = first.next.as_mut() else {
                *link = first.other;
                return Some(first);
            };
            first.next = next.next;
            Some(next)
        }
    }

    /// # Safety
    /// The record is memory of this size that nobody uses.
    unsafe fn give(&mut self, record: *mut FreeRecord, size: usize) {
        let link = self.link(size);
        // SAFETY: the caller's; otherwise as in `link`.
        unsafe {
            match (*link).as_mut() {
                Some(first) => {
                    record.write(FreeRecord { size, next: first.next, other: null_mut() });
                    first.next = record;
                }
                None => {
                    record.write(FreeRecord { size, next: null_mut(), other: null_mut() });
                    *link = record;
                }
            }
        }
    }
}

/// Memory for values of one type.
pub struct Pool<T>(PhantomData<T>);

impl<T> Pool<T> {
    const SIZE: usize = {
        assert!(align_of::<T>() <= 64, "records start on a cache line");
        if size_of::<T>() < size_of::<FreeRecord>() { size_of::<FreeRecord>() } else { size_of::<T>() }
    };

    /// Returns zeroed memory for a value; `None` if there is none.
    pub fn take() -> Option<*mut T> {
        let Some(record) = SHARED.records.with(|records| records.take(Self::SIZE)) else {
            let metadata = &SHARED.back_end.metadata;
            return SHARED.reclaiming(|| metadata.allocate(Self::SIZE)).map(<*mut u8>::cast);
        };
        // SAFETY: memory of this size that nobody has any more.
        unsafe { record.cast::<u8>().write_bytes(0, Self::SIZE) };
        Some(record.cast())
    }

    /// Takes memory back.
    ///
    /// # Safety
    /// It came from [`Pool::take`], and nobody uses it any more.
    pub unsafe fn give(value: *mut T) {
        // SAFETY: the caller's.
        SHARED.records.with(|records| unsafe { records.give(value.cast(), Self::SIZE) });
    }
}
