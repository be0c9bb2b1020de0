//! C++'s `operator new`, without C++. When the heap has no memory, the C++ runtime's own operator takes over: it calls our
//! malloc once more, runs the `new_handler` loop, and throws what the standard says.

use crate::linux::{dlsym, jump_if_null};
use crate::{Heap, HeapRedirect};
use core::ffi::CStr;

/// The two allocation operators that all others call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Operator {
    /// `operator new(size_t)`
    New = 0,
    /// `operator new(size_t, align_val_t)`
    NewAligned = 1,
}

/// The type of a function that calls [`HeapRedirect::operator_allocate`] with a size, a second argument and an [`Operator`].
pub type OperatorAllocate = unsafe extern "C" fn(usize, usize, usize) -> *mut u8;

/// The symbols of the operators, in the order of [`Operator`].
const NAMES: [&CStr; 2] = [c"_Znwm", c"_ZnwmSt11align_val_t"];

/// C++ runtimes that may be loaded where a search behind this library does not find them, as a plugin's own dependency.
const RUNTIMES: [&CStr; 2] = [c"libstdc++.so.6", c"libc++.so.1"];

impl<H: Heap> HeapRedirect<H> {
    /// Does what an allocation operator does. `second` is its second argument, if it has one; `allocate` calls
    /// [`HeapRedirect::operator_allocate`].
    ///
    /// # Safety
    /// The same as for the operator, and `allocate` is that function.
    #[inline(always)]
    pub unsafe fn operator_new(
        &self,
        operator: Operator,
        size: usize,
        second: usize,
        allocate: OperatorAllocate,
    ) -> *mut u8 {
        if operator == Operator::New {
            let block = self.heap.cached_malloc(size);
            if !block.is_null() {
                return block;
            }
        }
        // This call comes last, so that it becomes a jump: no frame of this function is left when the runtime's operator
        // throws. SAFETY: the program passes what this operator expects; a successor is the same operator of another library.
        unsafe { jump_if_null(size, second, operator as usize, allocate, successor) }
    }

    /// Returns a block for an operator, by the slow path; null if there is no memory.
    pub fn operator_allocate(&self, size: usize, second: usize, operator: usize) -> *mut u8 {
        self.try_aligned(if operator == Operator::NewAligned as usize { second } else { 1 }, size)
    }
}

/// Returns the address of the C++ runtime's own definition of an operator, which is called when the heap has no memory.
#[allow(clippy::disallowed_methods, reason = "an allocation has failed; no lock of ours is held")]
unsafe extern "C" fn successor(operator: usize) -> *const u8 {
    let name = NAMES[operator];
    let mut found = dlsym::find(name);
    for runtime in RUNTIMES {
        if found.is_null() {
            // SAFETY: takes a reference to a library that is loaded already, or nothing. The reference is kept: the code
            // is about to run.
            unsafe {
                let library = libc::dlopen(runtime.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
                if !library.is_null() {
                    found = libc::dlsym(library, name.as_ptr());
                }
            }
        }
    }
    if !found.is_null() {
        return found.cast_const().cast();
    }
    xalloc_os::abort("xalloc: operator new: out of memory, and no C++ runtime to throw std::bad_alloc is loaded");
}
