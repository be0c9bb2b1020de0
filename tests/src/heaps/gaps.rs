//! What a heap need not do.

use super::CHECK;

/// Something that a heap need not do, and the tests that demand it.
#[derive(Debug)]
pub struct Gap {
    /// What it is called in the matrix.
    pub name: &'static str,
    /// Why such a heap does not do it.
    pub why: &'static str,
    /// Test files, and what the names of the tests contain.
    tests: &'static [(&'static str, &'static [&'static str])],
}

/// All tests of a file: every name contains what is empty.
const ALL: &[&str] = &[""];

/// Of a heap whose blocks are powers of two.
pub const POWERS: Gap = Gap {
    name: "powers of two",
    why: "Its blocks are powers of two, so that a program can need nearly twice what it asks for.",
    tests: &[
        ("handed_over", &["little_waits_for_a_thread_that_sleeps"]),
        ("resident", &["blocks_of_which_only_the_ends_are_touched", "small_programs_hold_what_they_hold_under_glibc"]),
    ],
};

/// Of a heap with few sizes.
pub const FEW_SIZES: Gap = Gap {
    name: "few sizes",
    why: "Its sizes are far apart, a doubling at worst, so that a program can need a fifth more than it asks for, or twice as much.",
    tests: &[
        ("handed_over", &["little_waits_for_a_thread_that_sleeps"]),
        ("resident", &["blocks_of_which_only_the_ends_are_touched"]),
    ],
};

/// Of a heap that purges on its slow paths only.
pub const SLOW_PATHS: Gap = Gap {
    name: "slow paths",
    why: "It purges when a thread comes to one of its slow paths, and has no thread of its own for that: a process that only takes \
          cached blocks any more keeps what is free.",
    tests: &[("background_thread", ALL), ("purge", &["every_kind_of_drop", "light_traffic"])],
};

/// Of the heap that docs/write-a-heap.md builds.
pub const LEFT_OUT: Gap = Gap {
    name: "left out",
    why: "It is a heap to learn from, and the last section of docs/write-a-heap.md says what it leaves out: it purges in a trim only, \
          and judges whether a block is free by the block's own words, which a program can overwrite.",
    tests: &[
        ("misuse_kinds", &["behind_the_block", "planted_key"]),
        ("statistics", &["what_a_thread_has_freed_for_another_one_is_seen"]),
        ("threads", &["rounds_of_200_leave_little"]),
        ("handed_over", ALL),
        ("resident", ALL),
        ("purge", ALL),
    ],
};

/// Of a heap in a library of its own.
pub const OPTIONS: Gap = Gap {
    name: "options",
    why: "Its library has no options: XALLOC_CONF is libxalloc's.",
    tests: &[
        ("options", ALL),
        ("background_thread", ALL),
        ("foreign", &["heap_system"]),
        ("memory_pressure", &["request", "failures_are_seen"]),
        ("misuse", &["report/"]),
        ("misuse_kinds", &["report/"]),
        ("purge", &["nothing_goes_back_before", "phases_of_small_and_large"]),
        ("resident", &["a_sparse_block", "blocks_that_grow_full"]),
    ],
};

/// Of a heap that does not know its own blocks.
pub const FOREIGN: Gap = Gap {
    name: "foreign",
    why: "It takes every pointer for one of its own, so blocks of another allocator are not given back to that one.",
    tests: &[(CHECK, FOREIGN_BLOCKS), ("foreign", FOREIGN_BLOCKS), ("foreign", &["blind/", "second/"])],
};
const FOREIGN_BLOCKS: &[&str] = &["frees_blocks_of_another_namespace", "frees_blocks_of_libc_malloc"];

/// Of a heap that does not look at what it is given.
pub const MISUSE: Gap = Gap {
    name: "misuse",
    why: "It does not look at the pointers that it is given, so it notices no mistake.",
    tests: &[("misuse", ALL), ("misuse_kinds", ALL)],
};

/// Of a heap without statistics.
pub const STATISTICS: Gap = Gap {
    name: "statistics",
    why: "It does not count what it holds: mallinfo and its like say 0.",
    tests: &[
        (CHECK, COUNTS),
        ("conformance", COUNTS),
        ("statistics", COUNTS_EXACTLY),
        ("handed_over", &["what_waits_is_not_in_use"]),
    ],
};
const COUNTS: &[&str] =
    &["mallinfo2_counts", "mallinfo_counts", "malloc_stats_speaks_as_glibc", "malloc_info_speaks_as_glibc"];
const COUNTS_EXACTLY: &[&str] = &["the_struct_a", "the_kernel_agrees", "is_seen", "what_is_allocated_is_counted"];

/// Of a heap that unmaps a block when it is freed.
pub const CACHE: Gap = Gap {
    name: "cache",
    why: "It keeps nothing that is free, so there is nothing to trim.",
    tests: &[(CHECK, TRIMS), ("conformance", TRIMS), ("purge", &["nothing_goes_back_before_its_time"])],
};
const TRIMS: &[&str] = &["malloc_trim_returns_memory"];

/// Of a heap that has a mapping for each block.
pub const SMALL: Gap = Gap {
    name: "small",
    why: "Every block is a mapping of its own: hundreds of thousands of them are gigabytes, and more mappings than the kernel allows; \
          and what happens in a system call happens in every malloc. calloc and realloc touch all of a block.",
    tests: &[
        (CHECK, &["lives_in_600_megabytes"]),
        ("false_alarms", ALL),
        ("filter", ALL),
        ("handed_over", &["little_waits", "keep_nothing", "sleep"]),
        ("signals", &["malloc_", "exit_in_"]),
        ("programs", &["python3's own", "g++", "cargo build", "sqlite3", "redis-server", "node", "perl"]),
        ("resident", ALL),
    ],
};

/// Of a heap that allocates whenever a thread begins and ends.
pub const HOOKS: Gap = Gap {
    name: "hooks",
    why: "It allocates whenever a thread begins and ends, so that a thread leaves more, and a block has other neighbours; and it \
          exports how often.",
    tests: &[
        ("misuse_kinds", &["behind_the_block"]),
        ("symbols", &["exports_exactly_the_list"]),
        ("threads", &["_of_200_leave_little"]),
    ],
};

/// Of a heap that only passes through.
pub const PASSES_THROUGH: Gap = Gap {
    name: "libc's",
    why: "It passes all calls through to libc's malloc, and what that one does about memory, signals and numbers is its own.",
    tests: &[
        ("background_thread", ALL),
        (CHECK, &["fork_without_libc"]),
        ("foreign", &["handle/libc", "handle/loaded", "handle/dependency", "handle/dlmopen", "handle/in_a_program"]),
        ("fork", &["fork_without_libc"]),
        ("handed_over", &["keep_nothing", "little_waits", "what_waits"]),
        ("memory_pressure", &["request", "failures_are_seen"]),
        ("options", &["huge_pages_are", "stats_are_printed", "a_refused_request"]),
        ("purge", &["every_kind_of_drop", "nothing_goes_back_before", "light_traffic"]),
        ("resident", &["blocks_that_grow_full"]),
        ("signals", &["malloc_in_", "exit_"]),
        ("slow_calls", &["while_a_huge_page"]),
        ("statistics", COUNTS_EXACTLY),
        ("statistics", &["malloc_info_says_the_same"]),
    ],
};

/// Of another heap than the default one.
pub const HIT_PATH: Gap = Gap {
    name: "hit path",
    why: "The instructions that are counted are those of the default heap.",
    tests: &[("hit_path", ALL)],
};

impl Gap {
    /// Returns whether this test demands it.
    pub fn has(&self, file: &str, test: &str) -> bool {
        self.patterns(file).any(|pattern| test.contains(pattern))
    }

    /// Returns the test files that it is about.
    pub fn files(&self) -> impl Iterator<Item = &'static str> {
        self.tests.iter().map(|(file, _)| *file)
    }

    /// Returns what the names of those tests of the file contain.
    pub fn patterns(&self, file: &str) -> impl Iterator<Item = &'static str> {
        let of_file = self.tests.iter().filter(move |(name, _)| *name == file);
        of_file.flat_map(|(_, patterns)| *patterns).copied()
    }
}
