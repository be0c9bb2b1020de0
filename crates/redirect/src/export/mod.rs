//! `interpose!`: what the crate that becomes the library exports. On Linux it exports names (`elf`), on macOS a table of
//! replacements (`mach_o`).

#[cfg(target_os = "linux")]
mod elf;
mod functions;
#[cfg(target_os = "macos")]
mod mach_o;

/// Makes the crate that contains it a library whose heap serves a program's malloc. Write `interpose!(MyHeap)` for a unit
/// struct, and `interpose!(MyHeap = MyHeap::new())` for any other heap with a `const` initial value.
///
/// Use it once in a `cdylib`. A `no_std` crate adds [`panic_handler!`](crate::panic_handler). Link with `-z initfirst`, so that
/// the library's constructor runs before all others, and with `-z nodelete`, so that the library stays loaded: threads and fork
/// keep pointers to it.
///
/// On macOS the heap must implement [`Heap::block_size`](crate::Heap::block_size), and must tell its own blocks from others in
/// [`Heap::free`](crate::Heap::free), `usable_size` and `realloc`: there are always blocks of other zones in a process.
#[macro_export]
macro_rules! interpose {
    ($heap:ident) => {
        $crate::interpose!($heap = $heap);
    };
    ($heap:ty = $initial:expr) => {
        type XallocHeap = $heap;
        static XALLOC_REDIRECT: $crate::HeapRedirect<XallocHeap> =
            $crate::HeapRedirect::new($initial, xalloc_exports::CALLBACKS);

        mod xalloc_exports {
            use super::{XALLOC_REDIRECT as REDIRECT, XallocHeap};
            $crate::__interpose_callbacks!();
            $crate::__interpose_names!();
            $crate::__interpose_own!();
            $crate::__os::constructor!(construct);
        }
    };
}

/// Defines the functions that libc calls.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_callbacks {
    () => {
        use core::ffi::c_void;

        pub const CALLBACKS: $crate::Callbacks = $crate::Callbacks {
            thread_end,
            #[cfg(target_os = "linux")]
            background,
            prefork,
            postfork_parent,
            postfork_child,
        };

        #[cfg(target_os = "linux")]
        unsafe extern "C" fn background(nothing: *mut c_void) -> *mut c_void {
            REDIRECT.run_background();
            nothing
        }

        unsafe extern "C" fn thread_end(value: *mut c_void) {
            REDIRECT.thread_end(value);
        }

        unsafe extern "C" fn prefork() {
            REDIRECT.prefork();
        }

        unsafe extern "C" fn postfork_parent() {
            REDIRECT.postfork_parent();
        }

        unsafe extern "C" fn postfork_child() {
            REDIRECT.postfork_child();
        }
    };
}

/// Defines xalloc's own functions.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_own {
    () => {
        /// Prepares for a fork that libc does not know of (`_Fork`, a raw `clone`). The thread that forks calls it.
        #[unsafe(no_mangle)]
        extern "C" fn xalloc_prefork() {
            REDIRECT.prefork();
        }

        /// Ends what [`xalloc_prefork`] began, in the parent after the fork.
        #[unsafe(no_mangle)]
        extern "C" fn xalloc_postfork_parent() {
            REDIRECT.postfork_parent();
        }

        /// Ends what [`xalloc_prefork`] began, in the child after the fork.
        #[unsafe(no_mangle)]
        extern "C" fn xalloc_postfork_child() {
            REDIRECT.postfork_child();
        }

        /// Purges all free memory.
        #[unsafe(no_mangle)]
        extern "C" fn xalloc_recycle() {
            REDIRECT.malloc_trim(0);
        }

        /// Writes what the heap holds as `struct xalloc_stats` of xalloc.h. See `HeapRedirect::copy_stats`.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn xalloc_stats(out: *mut $crate::CStats, size: usize) -> usize {
            // SAFETY: xalloc.h asks for `size` bytes that may be written at `out`.
            unsafe { REDIRECT.copy_stats(out.cast(), size) }
        }

        /// Returns the version of the xalloc in the process, as a C string. A program can see by it whether it runs on xalloc.
        #[unsafe(no_mangle)]
        extern "C" fn xalloc_version() -> *const core::ffi::c_char {
            $crate::VERSION.as_ptr()
        }
    };
}
