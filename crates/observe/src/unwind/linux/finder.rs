//! The way in which modules are found in this process.

use super::cfi::Module;
use super::modules::MODULES;
use super::object::{self, FindObject};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// glibc's function, or null: then the list.
static FIND: AtomicPtr<()> = AtomicPtr::new(null_mut());

/// Has modules found by this function, which is glibc's `_dl_find_object`; with `None`, as before the first call, they are
/// found in [`MODULES`], which somebody has to refresh. To be called at start, outside of malloc, where the function can be
/// looked up.
///
/// # Safety
/// It is that function.
pub unsafe fn set_finder(find: Option<FindObject>) {
    // Relaxed, here and below: one word, and the function was there before any thread could find it here.
    FIND.store(find.map_or(null_mut(), |find| find as *mut ()), Ordering::Relaxed);
}

/// Returns the module that has code at `at`.
pub fn module(at: usize) -> Option<Module> {
    let find = FIND.load(Ordering::Relaxed);
    if find.is_null() {
        return MODULES.find(at);
    }
    // SAFETY: `set_finder` has stored a function of this type.
    let find = unsafe { core::mem::transmute::<*mut (), FindObject>(find) };
    // SAFETY: `set_finder`'s caller has said that it is glibc's; a walk is through code that is loaded.
    unsafe { object::find(find, at) }
}
