//! Linux: the functions' names, which the loader finds in this library first.

/// Defines every name that the library exports.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_names {
    () => {
        use core::ffi::c_int;
        use $crate::__libc as libc;

        $crate::__interpose_c!();
        $crate::__interpose_introspection!();
        $crate::__interpose_cxx!();

        /// Runs when the library is loaded.
        extern "C" fn construct() {
            REDIRECT.construct();
            REDIRECT.learn_of_others();
        }
    };
}

/// Defines C's functions: those that allocate and free, and those of libc and the loader for threads, modules and rights.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_c {
    () => {
        $crate::__c_functions! { __exported ("" REDIRECT) }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn cfree(block: *mut u8) {
            // SAFETY: C leaves it to the program that the block is null or in use, and came from these functions.
            unsafe { REDIRECT.free(block) }
        }

        extern "C" fn before_dlopen(file: *const core::ffi::c_char) -> *const u8 {
            REDIRECT.before_dlopen(file)
        }

        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        extern "C" fn dlopen() {
            $crate::jump_after!(before_dlopen)
        }

        /// It takes all arguments, as variadic functions cannot be defined here: the caller passes them in the same registers.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn prctl(option: c_int, a: usize, b: usize, c: usize, d: usize) -> c_int {
            // SAFETY: the program passes what the operation expects, as to libc's prctl.
            unsafe { REDIRECT.prctl(option, [a, b, c, d]) }
        }

        #[unsafe(no_mangle)]
        extern "C" fn unshare(flags: c_int) -> c_int {
            REDIRECT.unshare(flags)
        }

        #[unsafe(no_mangle)]
        extern "C" fn setns(descriptor: c_int, kind: c_int) -> c_int {
            REDIRECT.setns(descriptor, kind)
        }

        extern "C" fn before_dlmopen(name_space: core::ffi::c_long) -> *const u8 {
            REDIRECT.before_dlmopen(name_space)
        }

        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        extern "C" fn dlmopen() {
            $crate::jump_after!(before_dlmopen)
        }

        unsafe extern "C" fn run_thread(start: *mut c_void) -> *mut c_void {
            // SAFETY: libc passes what `pthread_create` gave it.
            unsafe { REDIRECT.run_thread(start) }
        }

        unsafe extern "C" fn run_c11_thread(start: *mut c_void) -> c_int {
            // SAFETY: libc passes what `thrd_create` gave it.
            unsafe { REDIRECT.run_c11_thread(start) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn pthread_create(
            thread: *mut libc::pthread_t,
            attributes: *const libc::pthread_attr_t,
            start: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
            argument: *mut c_void,
        ) -> c_int {
            // SAFETY: the program passes what libc's function of this name expects.
            unsafe { REDIRECT.pthread_create(thread, attributes, start, argument, run_thread) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn thrd_create(
            thread: *mut libc::pthread_t,
            start: unsafe extern "C" fn(*mut c_void) -> c_int,
            argument: *mut c_void,
        ) -> c_int {
            // SAFETY: the program passes what libc's function of this name expects.
            unsafe { REDIRECT.thrd_create(thread, start, argument, run_c11_thread) }
        }
    };
}

/// Defines glibc's functions that ask about the heap.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_introspection {
    () => {
        #[unsafe(no_mangle)]
        extern "C" fn mallinfo2() -> $crate::MallInfo2 {
            REDIRECT.mallinfo2()
        }

        #[unsafe(no_mangle)]
        extern "C" fn mallinfo() -> $crate::MallInfo {
            $crate::MallInfo(REDIRECT.mallinfo())
        }

        #[unsafe(no_mangle)]
        extern "C" fn mallopt(option: c_int, value: c_int) -> c_int {
            REDIRECT.mallopt(option, value)
        }

        #[unsafe(no_mangle)]
        extern "C" fn malloc_trim(keep: usize) -> c_int {
            REDIRECT.malloc_trim(keep)
        }

        #[unsafe(no_mangle)]
        extern "C" fn malloc_stats() {
            REDIRECT.malloc_stats();
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn malloc_info(options: c_int, stream: *mut libc::FILE) -> c_int {
            // SAFETY: the program passes an open stream of stdio.
            unsafe { REDIRECT.malloc_info(options, stream) }
        }

        /// Emacs before version 26 saved its heap with it. This heap has no state that could be saved.
        #[unsafe(no_mangle)]
        extern "C" fn malloc_get_state() -> *mut c_void {
            core::ptr::null_mut()
        }

        /// Returns -1: this heap does not know the state.
        #[unsafe(no_mangle)]
        extern "C" fn malloc_set_state(_state: *mut c_void) -> c_int {
            -1
        }
    };
}

/// Defines C++'s operators, by their Itanium names on 64-bit machines: the four that allocate and free, and six that by the
/// standard only call another operator. A program may replace any of them, so these six jump to the one that the loader
/// prefers.
///
/// The other ten (those that do not throw, and the sized and aligned deletes) are not defined here: the C++ runtime's own ones
/// call these in the same way, and only the runtime can catch an exception.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_cxx {
    () => {
        unsafe extern "C" fn operator_allocate(size: usize, second: usize, operator: usize) -> *mut u8 {
            REDIRECT.operator_allocate(size, second, operator)
        }

        $crate::__interpose_new! {
            _Znwm, New;
            _ZnwmSt11align_val_t, NewAligned;
        }
        $crate::__interpose_delete! { _ZdlPv, _ZdlPvSt11align_val_t, }
        $crate::__interpose_alias! {
            _Znam, "_Znwm";
            _ZnamSt11align_val_t, "_ZnwmSt11align_val_t";
            _ZdaPv, "_ZdlPv";
            _ZdlPvm, "_ZdlPv";
            _ZdaPvm, "_ZdaPv";
            _ZdaPvSt11align_val_t, "_ZdlPvSt11align_val_t";
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_new {
    ($($name:ident, $operator:ident;)*) => {$(
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, reason = "the mangled name of a C++ operator")]
        unsafe extern "C" fn $name(size: usize, second: usize) -> *mut u8 {
            // SAFETY: no operator has a requirement but a valid alignment. An argument that an operator does not have is passed
            // on and never used.
            unsafe { REDIRECT.operator_new($crate::Operator::$operator, size, second, operator_allocate) }
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_delete {
    ($($name:ident,)*) => {$(
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, reason = "the mangled name of a C++ operator")]
        unsafe extern "C" fn $name(block: *mut u8) {
            // SAFETY: C leaves it to the program that the block is null or in use, and came from these functions.
            unsafe { REDIRECT.free(block) }
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_alias {
    ($($name:ident, $to:literal;)*) => {$(
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, reason = "the mangled name of a C++ operator")]
        extern "C" fn $name() {
            $crate::jump_to_symbol!($to)
        }
    )*};
}
