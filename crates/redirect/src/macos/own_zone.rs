//! The zone that stands for our heap in libmalloc.

use super::zone_layout::{VERSION, Zone};
use super::{Target, libmalloc, zone_functions as functions};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;

/// The zone, in the library's data. libmalloc may rename it (`malloc_set_zone_name`), and nothing else is ever written.
pub struct OwnZone(UnsafeCell<Zone>);

// SAFETY: only libmalloc writes, under a lock of its own.
unsafe impl Sync for OwnZone {}

impl OwnZone {
    /// The zone of `T`'s redirection, not registered yet.
    pub const fn of<T: Target>() -> Self {
        Self(UnsafeCell::new(Zone {
            reserved: [null_mut(); 2],
            size: functions::size::<T>,
            malloc: functions::malloc::<T>,
            calloc: functions::calloc::<T>,
            valloc: functions::valloc::<T>,
            free: functions::free::<T>,
            realloc: functions::realloc::<T>,
            destroy: functions::destroy,
            zone_name: c"xalloc".as_ptr(),
            batch_malloc: functions::batch_malloc::<T>,
            batch_free: functions::batch_free::<T>,
            introspect: const { &functions::introspection::<T>() },
            version: VERSION,
            memalign: functions::memalign::<T>,
            free_definite_size: functions::free_definite_size::<T>,
            pressure_relief: functions::pressure_relief::<T>,
            claimed_address: functions::claimed_address::<T>,
            later: [null_mut::<c_void>(); 8],
        }))
    }

    /// As libmalloc names it.
    pub fn as_ptr(&self) -> *mut Zone {
        self.0.get()
    }
}

/// Makes the zone known to libmalloc, unless the heap has no blocks of its own. From the constructor: libmalloc is up then.
pub fn register<T: Target>() {
    if T::redirect().has_own_blocks() {
        // SAFETY: the zone is static, and all that libmalloc may call of it is there.
        unsafe { libmalloc::malloc_zone_register(T::zone().as_ptr()) };
    }
}
