//! Allocators and sanitizers, and the names by which a file shows that it has one.

/// An allocator, and how a file shows that it is in it.
pub struct Allocator {
    /// What messages call it.
    pub name: &'static str,
    /// Functions and variables that only this one defines, under their usual names and prefixes.
    pub symbols: &'static [&'static str],
    /// How the names of its libraries for preloading begin.
    pub libraries: &'static [&'static str],
    /// What its own messages contain: all that is left of it in a stripped program that hides it.
    pub message: Option<&'static str>,
}

/// Allocators that programs bring along.
pub const ALLOCATORS: &[Allocator] = &[
    Allocator {
        name: "jemalloc",
        symbols: &["mallocx", "mallctl", "malloc_conf", "je_malloc", "je_mallctl", "_rjem_malloc", "_rjem_mallctl"],
        libraries: &["libjemalloc"],
        message: Some("<jemalloc>: "),
    },
    Allocator {
        name: "tcmalloc",
        symbols: &[
            "tc_malloc",
            "tc_version",
            "_ZN15MallocExtension8instanceEv",
            "MallocExtension_Internal_GetNumericProperty",
        ],
        libraries: &["libtcmalloc"],
        message: Some("tcmalloc: large alloc"),
    },
    Allocator {
        name: "mimalloc",
        symbols: &["mi_malloc", "mi_version", "_mi_malloc_generic"],
        libraries: &["libmimalloc"],
        message: Some("mimalloc: "),
    },
    Allocator {
        name: "snmalloc",
        symbols: &["__malloc_start_pointer", "sn_malloc", "sn_rust_alloc"],
        libraries: &["libsnmalloc"],
        message: None,
    },
    Allocator {
        name: "hardened_malloc",
        symbols: &["malloc_object_size_fast", "h_malloc"],
        libraries: &["libhardened_malloc"],
        message: Some("fatal allocator error: "),
    },
    Allocator {
        name: "rpmalloc",
        symbols: &["rpmalloc", "rpmalloc_initialize"],
        libraries: &["librpmalloc"],
        message: None,
    },
    Allocator {
        name: "Scudo",
        symbols: &["__scudo_print_stats", "__scudo_allocate_hook"],
        libraries: &["libscudo", "libclang_rt.scudo"],
        message: None,
    },
    Allocator {
        name: "TBB's malloc",
        symbols: &["scalable_malloc"],
        libraries: &["libtbbmalloc_proxy"],
        message: None,
    },
    Allocator { name: "Hoard", symbols: &["xxmalloc"], libraries: &["libhoard"], message: None },
    Allocator {
        name: "xalloc",
        symbols: &["xalloc_version", "xalloc_malloc"],
        libraries: &["libxalloc"],
        message: None,
    },
];

/// What Rust's compiler calls when a program chose a `#[global_allocator]`; the rest of the name depends on the crate.
pub const RUST_GLOBAL_ALLOCATOR: &str = "__rg_alloc";

/// A sanitizer that brings a malloc of its own.
pub struct Sanitizer {
    /// The name of the finding.
    pub code: &'static str,
    /// What messages call it.
    pub name: &'static str,
    /// The compilers' option for it.
    pub option: &'static str,
    /// A function of its run-time library that instrumented code, or the run-time itself, always has.
    pub symbols: &'static [&'static str],
    /// How the names of its run-time library begin: gcc's, clang's.
    pub libraries: &'static [&'static str],
}

/// The compilers' sanitizers; one that others contain comes after them.
pub const SANITIZERS: &[Sanitizer] = &[
    Sanitizer {
        code: "address-sanitizer",
        name: "AddressSanitizer",
        option: "-fsanitize=address",
        symbols: &["__asan_init"],
        libraries: &["libasan.so", "libclang_rt.asan"],
    },
    Sanitizer {
        code: "thread-sanitizer",
        name: "ThreadSanitizer",
        option: "-fsanitize=thread",
        symbols: &["__tsan_init"],
        libraries: &["libtsan.so", "libclang_rt.tsan"],
    },
    Sanitizer {
        code: "memory-sanitizer",
        name: "MemorySanitizer",
        option: "-fsanitize=memory",
        symbols: &["__msan_init"],
        libraries: &["libclang_rt.msan"],
    },
    Sanitizer {
        code: "hwaddress-sanitizer",
        name: "HWAddressSanitizer",
        option: "-fsanitize=hwaddress",
        symbols: &["__hwasan_init"],
        libraries: &["libhwasan.so", "libclang_rt.hwasan"],
    },
    Sanitizer {
        code: "leak-sanitizer",
        name: "LeakSanitizer",
        option: "-fsanitize=leak",
        symbols: &["__lsan_init", "__lsan_do_leak_check"],
        libraries: &["liblsan.so", "libclang_rt.lsan"],
    },
];

/// Whether a name in a file's own symbol table tells anything here.
pub fn matters(name: &str) -> bool {
    matches!(name, "malloc" | "free")
        || ALLOCATORS.iter().any(|allocator| allocator.symbols.contains(&name))
        || SANITIZERS.iter().any(|sanitizer| sanitizer.symbols.contains(&name))
        || name.contains(RUST_GLOBAL_ALLOCATOR)
}

/// The allocators whose messages are in a section's data.
pub fn with_message(data: &[u8]) -> Vec<&'static str> {
    let found = |message: &str| memchr::memmem::find(data, message.as_bytes()).is_some();
    ALLOCATORS.iter().filter(|allocator| allocator.message.is_some_and(found)).map(|allocator| allocator.name).collect()
}
