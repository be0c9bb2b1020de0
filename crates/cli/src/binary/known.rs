//! The allocators and sanitizers that are known, and the names by which a file shows that it contains one.

/// An allocator, and the signs of it in a file.
pub struct Allocator {
    /// The name in messages.
    pub name: &'static str,
    /// Functions and variables that only this allocator defines, under their usual names and prefixes.
    pub symbols: &'static [&'static str],
    /// The beginnings of the names of its libraries for preloading.
    pub libraries: &'static [&'static str],
    /// A part of its own messages, which is all that is left of it in a stripped program that hides it.
    pub message: Option<&'static str>,
}

/// The allocators that programs may contain or load.
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

/// The name that Rust's compiler calls when a program has a `#[global_allocator]`; the rest of the name depends on the crate.
pub const RUST_GLOBAL_ALLOCATOR: &str = "__rg_alloc";

/// A sanitizer that has a malloc of its own.
pub struct Sanitizer {
    /// The code of the finding.
    pub code: &'static str,
    /// The name in messages.
    pub name: &'static str,
    /// The compilers' option for it.
    pub option: &'static str,
    /// A function of its run-time library that instrumented code, or the run-time itself, always has.
    pub symbols: &'static [&'static str],
    /// The beginnings of the names of its run-time library: gcc's, clang's.
    pub libraries: &'static [&'static str],
}

/// The compilers' sanitizers. One that others contain comes after them.
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

/// Returns whether a name in a file's own symbol table matters here.
pub fn matters(name: &str) -> bool {
    matches!(name, "malloc" | "free")
        || ALLOCATORS.iter().any(|allocator| allocator.symbols.contains(&name))
        || SANITIZERS.iter().any(|sanitizer| sanitizer.symbols.contains(&name))
        || name.contains(RUST_GLOBAL_ALLOCATOR)
}

/// Returns the allocators whose messages are in a section's data.
pub fn with_message(data: &[u8]) -> Vec<&'static str> {
    let found = |message: &str| memchr::memmem::find(data, message.as_bytes()).is_some();
    ALLOCATORS.iter().filter(|allocator| allocator.message.is_some_and(found)).map(|allocator| allocator.name).collect()
}
