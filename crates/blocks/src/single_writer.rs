//! Words that one thread writes and any thread may read: a heap's own state, as its statistics and its adopter see it.
//!
//! Reads and writes are plain instructions. Relaxed throughout: a reader that is not the owner wants a number, not an
//! order; where they pass from thread to thread, [`crate::access`] gives the order.

use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

macro_rules! single_writer {
    ($(#[$doc:meta])* $name:ident, $atomic:ty, $value:ty) => {
        $(#[$doc])*
        #[repr(transparent)]
        pub struct $name($atomic);

        impl $name {
            /// Returns a word that holds `value`.
            pub const fn new(value: $value) -> Self {
                Self(<$atomic>::new(value))
            }

            /// Returns what the owner wrote last, or a little earlier if the caller is not the owner.
            #[inline(always)]
            pub fn get(&self) -> $value {
                self.0.load(Relaxed)
            }

            /// Stores `value`. Only the owner may.
            #[inline(always)]
            pub fn set(&self, value: $value) {
                self.0.store(value, Relaxed);
            }

            /// Returns what the owner wrote last, for the owner: a read that the compiler may fold into other instructions.
            ///
            /// # Safety
            /// The caller is the owner, so nobody writes at the same time.
            #[inline(always)]
            pub unsafe fn own(&self) -> $value {
                // SAFETY: the caller is the one that writes; others only read.
                unsafe { self.0.as_ptr().read() }
            }
        }
    };
}

single_writer!(
    /// A small count.
    Count16, AtomicU16, u16
);
single_writer!(
    /// A count.
    Count32, AtomicU32, u32
);
single_writer!(
    /// A bit set.
    Bits64, AtomicU64, u64
);
single_writer!(
    /// A count that may be negative.
    Signed32, AtomicI32, i32
);
single_writer!(
    /// An address or a size.
    Word, AtomicUsize, usize
);

/// A pointer.
#[repr(transparent)]
pub struct Pointer<T>(AtomicPtr<T>);

impl<T> Pointer<T> {
    /// Returns the null pointer.
    pub const fn null() -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()))
    }

    /// Returns what the owner wrote last, or a little earlier if the caller is not the owner.
    #[inline(always)]
    pub fn get(&self) -> *mut T {
        self.0.load(Relaxed)
    }

    /// Stores `value`. Only the owner may.
    #[inline(always)]
    pub fn set(&self, value: *mut T) {
        self.0.store(value, Relaxed);
    }
}
