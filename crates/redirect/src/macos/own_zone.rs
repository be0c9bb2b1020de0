//! The zone that represents our heap in libmalloc.

use super::zone_layout::{VERSION, Zone};
use super::{Target, libmalloc, zone_functions as functions};
use core::cell::UnsafeCell;
use core::ffi::{CStr, c_void};
use core::ptr::null_mut;

/// The zone's name, which tools show.
const NAME: &CStr = c"xalloc";

/// The zone, on pages of its own, because libmalloc makes them read-only after it has renamed the zone
/// (`malloc_set_zone_name`).
#[repr(C, align(16384))]
pub struct OwnZone(UnsafeCell<Zone>);

// SAFETY: only libmalloc writes, under a lock of its own.
unsafe impl Sync for OwnZone {}

impl OwnZone {
    /// Returns the zone for `T`'s redirection, not registered yet.
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
            zone_name: core::ptr::null(),
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

    /// Returns the pointer by which libmalloc knows the zone.
    pub fn as_ptr(&self) -> *mut Zone {
        self.0.get()
    }
}

/// Registers the zone with libmalloc, unless the heap has no blocks of its own: the library's constructor.
///
/// At a fork, libmalloc calls the zone's own functions; no handlers of `pthread_atfork` are registered. libSystem runs such
/// handlers before it takes the locks of Objective-C, dispatch and dyld, whose holders may wait for the heap; and in the child
/// it runs them last, after its own parts have allocated. libmalloc locks its zones after all these locks are taken, and
/// unlocks them before any is released.
pub fn construct<T: Target>() {
    let redirect = T::redirect();
    redirect.begin_process();
    if redirect.has_own_blocks() {
        // SAFETY: nobody else knows of the zone yet; all that libmalloc may call of it is there.
        unsafe {
            // libmalloc frees the old name when the zone gets another one.
            (*T::zone()).zone_name = redirect.copy_string(NAME.as_ptr(), NAME.count_bytes()).cast();
            libmalloc::malloc_zone_register(T::zone());
        }
    } else {
        redirect.register_fork_handlers();
    }
}
