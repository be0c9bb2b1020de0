//! macOS: a section of pairs, each a replacement and the function that it replaces, which dyld applies to every image but this
//! one; and a zone of libmalloc, so that libmalloc finds our blocks when somebody asks about them.

/// Defines every name that the library replaces.
///
/// The section must stand in the crate that becomes the library: the linker drops it from any other.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_names {
    () => {
        /// The type by which libSystem's callbacks, which cannot pass `self`, find the one redirection of the process.
        struct Process;

        impl $crate::macos::Target for Process {
            type Heap = XallocHeap;

            fn redirect() -> &'static $crate::HeapRedirect<XallocHeap> {
                &REDIRECT
            }

            fn zone() -> *mut $crate::macos::Zone {
                ZONE.as_ptr()
            }
        }

        static ZONE: $crate::macos::OwnZone = $crate::macos::OwnZone::of::<Process>();

        #[used]
        #[unsafe(link_section = "__DATA,__interpose")]
        static INTERPOSE: [$crate::macos::Tuple; $crate::macos::TUPLES] = $crate::macos::tuples::<Process>();

        /// Runs when the library is loaded.
        extern "C" fn construct() {
            $crate::macos::construct::<Process>();
        }
    };
}
