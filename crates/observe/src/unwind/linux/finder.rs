//! The way in which modules are found in this process.

use super::cfi::Module;
use super::modules::MODULES;
use super::object::{self, FindObject};
use core::ops::Range;
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

/// Has modules found by the C library's `_dl_find_object`, if it has one.
pub fn use_loader() {
    let find = xalloc_os::weak_symbol!("_dl_find_object");
    // SAFETY: the function of this name is of this type; null is none.
    unsafe { set_finder(core::mem::transmute::<*mut u8, Option<FindObject>>(find)) };
}

/// Returns the addresses of the code of the module that has code at `at`; an empty range if there is none.
pub fn code_around(at: usize) -> Range<usize> {
    module(at).map_or(at..at, |module| module.code().clone())
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
