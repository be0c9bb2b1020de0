//! Linux: the names themselves, which the loader finds here first.

/// Every name that the library defines.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_names {
    () => {
        use core::ffi::c_int;
        use $crate::__libc as libc;

        $crate::__interpose_c!();
        $crate::__interpose_introspection!();
        $crate::__interpose_cxx!();

        /// What the library does when it is loaded.
        extern "C" fn construct() {
            REDIRECT.construct();
        }
    };
}

/// C's functions. Each is as its standard says; see `HeapRedirect`'s method of the name.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_c {
    () => {
        #[unsafe(no_mangle)]
        extern "C" fn malloc(size: usize) -> *mut u8 {
            REDIRECT.malloc(size)
        }

        #[unsafe(no_mangle)]
        extern "C" fn calloc(count: usize, size: usize) -> *mut u8 {
            REDIRECT.calloc(count, size)
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn realloc(block: *mut u8, size: usize) -> *mut u8 {
            // SAFETY: the caller's promise, as for every function below that has no other reason.
            unsafe { REDIRECT.realloc(block, size) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn reallocarray(block: *mut u8, count: usize, size: usize) -> *mut u8 {
            // SAFETY: the caller's promise.
            unsafe { REDIRECT.reallocarray(block, count, size) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn free(block: *mut u8) {
            // SAFETY: the caller's promise.
            unsafe { REDIRECT.free(block) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn cfree(block: *mut u8) {
            // SAFETY: the caller's promise.
            unsafe { REDIRECT.free(block) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn free_sized(block: *mut u8, size: usize) {
            // SAFETY: the caller's promise.
            unsafe { REDIRECT.free_sized(block, size) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn free_aligned_sized(block: *mut u8, align: usize, size: usize) {
            // SAFETY: the caller's promise.
            unsafe { REDIRECT.free_aligned_sized(block, align, size) }
        }

        #[unsafe(no_mangle)]
        extern "C" fn memalign(align: usize, size: usize) -> *mut u8 {
            REDIRECT.memalign(align, size)
        }

        #[unsafe(no_mangle)]
        extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut u8 {
            REDIRECT.aligned_alloc(align, size)
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn posix_memalign(result: *mut *mut u8, align: usize, size: usize) -> c_int {
            // SAFETY: the caller's promise.
            unsafe { REDIRECT.posix_memalign(result, align, size) }
        }

        #[unsafe(no_mangle)]
        extern "C" fn valloc(size: usize) -> *mut u8 {
            REDIRECT.valloc(size)
        }

        #[unsafe(no_mangle)]
        extern "C" fn pvalloc(size: usize) -> *mut u8 {
            REDIRECT.pvalloc(size)
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn malloc_usable_size(block: *mut u8) -> usize {
            // SAFETY: the caller's promise.
            unsafe { REDIRECT.malloc_usable_size(block) }
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
            // SAFETY: the caller's promise.
            unsafe { REDIRECT.pthread_create(thread, attributes, start, argument, run_thread) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn thrd_create(
            thread: *mut libc::pthread_t,
            start: unsafe extern "C" fn(*mut c_void) -> c_int,
            argument: *mut c_void,
        ) -> c_int {
            // SAFETY: the caller's promise.
            unsafe { REDIRECT.thrd_create(thread, start, argument, run_c11_thread) }
        }
    };
}

/// glibc's questions about the heap.
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
            // SAFETY: the caller's promise.
            unsafe { REDIRECT.malloc_info(options, stream) }
        }

        /// Emacs before 26 dumped its heap with it; there is no state of this heap to get.
        #[unsafe(no_mangle)]
        extern "C" fn malloc_get_state() -> *mut c_void {
            core::ptr::null_mut()
        }

        /// -1: not a state that this heap knows.
        #[unsafe(no_mangle)]
        extern "C" fn malloc_set_state(_state: *mut c_void) -> c_int {
            -1
        }
    };
}

/// C++'s twenty operators, by their Itanium names on 64-bit machines.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_cxx {
    () => {
        unsafe extern "C" fn operator_allocate(size: usize, second: usize, operator: usize) -> *mut u8 {
            REDIRECT.operator_allocate(size, second, operator)
        }

        $crate::__interpose_new! {
            _Znwm, New;
            _Znam, NewArray;
            _ZnwmRKSt9nothrow_t, NewNothrow;
            _ZnamRKSt9nothrow_t, NewArrayNothrow;
            _ZnwmSt11align_val_t, NewAligned;
            _ZnamSt11align_val_t, NewArrayAligned;
            _ZnwmSt11align_val_tRKSt9nothrow_t, NewAlignedNothrow;
            _ZnamSt11align_val_tRKSt9nothrow_t, NewArrayAlignedNothrow;
        }
        $crate::__interpose_delete! {
            _ZdlPv, _ZdaPv, _ZdlPvRKSt9nothrow_t, _ZdaPvRKSt9nothrow_t, _ZdlPvm, _ZdaPvm,
            _ZdlPvSt11align_val_t, _ZdaPvSt11align_val_t,
            _ZdlPvSt11align_val_tRKSt9nothrow_t, _ZdaPvSt11align_val_tRKSt9nothrow_t,
            _ZdlPvmSt11align_val_t, _ZdaPvmSt11align_val_t,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_new {
    ($($name:ident, $operator:ident;)*) => {$(
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, reason = "the mangled name of a C++ operator")]
        unsafe extern "C" fn $name(size: usize, second: usize, third: usize) -> *mut u8 {
            // SAFETY: the caller's promise. Arguments that an operator does not have are passed on and never used.
            unsafe { REDIRECT.operator_new($crate::Operator::$operator, size, second, third, operator_allocate) }
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
            // SAFETY: the caller's promise. Size and alignment are not needed.
            unsafe { REDIRECT.free(block) }
        }
    )*};
}
