//! Memory for records, used again: of heaps, and of their large blocks.

use super::records::FreeRecords;
use super::shared::SHARED;
use core::marker::PhantomData;

/// Memory for values of one type.
pub struct Pool<T>(PhantomData<T>);

impl<T> Pool<T> {
    const SIZE: usize = {
        assert!(align_of::<T>() <= 64, "records start on a cache line");
        if size_of::<T>() < FreeRecords::LEAST { FreeRecords::LEAST } else { size_of::<T>() }
    };

    /// Returns zeroed memory for a value; `None` if there is none.
    pub fn take() -> Option<*mut T> {
        let Some(record) = SHARED.records.with(|records| records.take(Self::SIZE)) else {
            let metadata = &SHARED.back_end.metadata;
            return SHARED.reclaiming(|| metadata.allocate(Self::SIZE)).map(<*mut u8>::cast);
        };
        // SAFETY: memory of this size that nobody has any more.
        unsafe { record.write_bytes(0, Self::SIZE) };
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
