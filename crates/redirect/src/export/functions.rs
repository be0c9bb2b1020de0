//! The list of C's allocation functions. They are defined under C's names (`elf`), as replacements (`macos`), and under names
//! with a prefix (libxalloc.a).

/// Expands `$define! { (context) name(arguments) -> result }` for each function. Each function does what its standard says, by
/// `HeapRedirect`'s method of the same name.
#[doc(hidden)]
#[macro_export]
macro_rules! __c_functions {
    ($define:ident $context:tt) => {
        $crate::$define! { $context malloc(size: usize) -> *mut u8 }
        $crate::$define! { $context calloc(count: usize, size: usize) -> *mut u8 }
        $crate::$define! { $context realloc(block: *mut u8, size: usize) -> *mut u8 }
        $crate::$define! { $context free(block: *mut u8) -> () }
        $crate::$define! { $context free_sized(block: *mut u8, size: usize) -> () }
        $crate::$define! { $context free_aligned_sized(block: *mut u8, align: usize, size: usize) -> () }
        $crate::$define! { $context memalign(align: usize, size: usize) -> *mut u8 }
        $crate::$define! { $context aligned_alloc(align: usize, size: usize) -> *mut u8 }
        $crate::$define! { $context posix_memalign(result: *mut *mut u8, align: usize, size: usize) -> core::ffi::c_int }
        $crate::$define! { $context valloc(size: usize) -> *mut u8 }
        $crate::$define! { $context pvalloc(size: usize) -> *mut u8 }
        $crate::$define! { $context malloc_usable_size(block: *mut u8) -> usize }
    };
}

/// Defines a function under its name with a prefix, for a [`HeapRedirect`](crate::HeapRedirect) that is a static.
#[doc(hidden)]
#[macro_export]
macro_rules! __exported {
    (($prefix:literal $redirect:ident) $name:ident($($argument:ident: $type:ty),*) -> $result:ty) => {
        #[unsafe(export_name = concat!($prefix, stringify!($name)))]
        #[allow(unused_unsafe, reason = "the methods that only allocate are safe")]
        unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            // SAFETY: C leaves it to the program that a block is null or in use and came from these functions, and that a
            // result may be written.
            unsafe { $redirect.$name($($argument),*) }
        }
    };
}

/// Defines a function that is generic over the type that names the redirection.
#[doc(hidden)]
#[macro_export]
macro_rules! __generic {
    (($target:path) $name:ident($($argument:ident: $type:ty),*) -> $result:ty) => {
        #[allow(unused_unsafe, reason = "the methods that only allocate are safe")]
        #[allow(dead_code, reason = "libSystem does not have all of them")]
        unsafe extern "C" fn $name<T: $target>($($argument: $type),*) -> $result {
            // SAFETY: as C has it, a block is null or in use, and the program's, and a result may be written.
            unsafe { T::redirect().$name($($argument),*) }
        }
    };
}
