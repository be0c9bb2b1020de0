//! macOS: a section of pairs, replacement and what it replaces, which dyld applies to every image but this one; and a zone
//! of libmalloc, so that whoever asks libmalloc about one of our blocks finds us.

/// Every name that the library replaces.
///
/// The section must stand in the crate that becomes the library: the linker drops it from any other.
#[doc(hidden)]
#[macro_export]
macro_rules! __interpose_names {
    () => {
        /// What stands between libSystem's callbacks, which know no `self`, and the one redirection of the process.
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

        /// What the library does when it is loaded.
        extern "C" fn construct() {
            $crate::macos::construct::<Process>();
        }
    };
}
