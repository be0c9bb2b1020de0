//! Circles that are to go. This list only shrinks: the test fails when one of them is no more, or has lost a file.

/// By package: the files of each circle, as paths from the package's directory.
pub const KNOWN: &[(&str, &[&[&str]])] = &[
    (
        "xalloc-os",
        &[
            &[
                "src/futex.rs",
                "src/lib.rs",
                "src/linux/aarch64.rs",
                "src/linux/syscall.rs",
                "src/linux/vdso.rs",
                "src/linux/x86_64.rs",
                "src/lock.rs",
                "src/macos/tls_word.rs",
                "src/startup.rs",
                "src/stderr.rs",
                "src/sync.rs",
                "src/thread.rs",
            ],
            &["src/linux/memory.rs", "src/pages.rs"],
            &["src/linux/maps.rs", "src/macos/maps.rs", "src/maps.rs"],
        ],
    ),
    (
        "xalloc-heap",
        &[
            &["src/arena.rs", "src/arena/chunk.rs", "src/arena/lists.rs", "src/arena/regions.rs"],
            &["src/runs.rs", "src/runs/chunks.rs", "src/runs/margin.rs"],
            &[
                "src/fast/footprint.rs",
                "src/fast/freeing.rs",
                "src/fast/limits.rs",
                "src/fast/mod.rs",
                "src/fast/purge.rs",
                "src/fast/registry.rs",
                "src/fast/small.rs",
                "src/fast/surplus.rs",
                "src/fast/thread_heap.rs",
                "src/fast/ticking.rs",
            ],
        ],
    ),
    (
        "xalloc-redirect",
        &[
            &["src/background.rs", "src/lib.rs", "src/thread_start.rs"],
            &["src/macos/mod.rs", "src/macos/own_zone.rs", "src/macos/zone_functions.rs"],
        ],
    ),
];
