//! The test files that test a heap.

/// A test file, or the command `xalloc check`.
#[derive(Debug)]
pub struct File {
    /// Its name, without `.rs`.
    pub name: &'static str,
    /// What the names of those of its tests contain that take long.
    pub long: &'static [&'static str],
}

/// Not a file: what `xalloc check` finds.
pub const CHECK: &str = "check";

/// All of them.
pub const FILES: &[File] = &[
    quick(CHECK),
    quick("bindings"),
    quick("symbols"),
    quick("hit_path"),
    quick("loader"),
    quick("foreign"),
    quick("own_malloc"),
    quick("misuse"),
    quick("misuse_kinds"),
    quick("options"),
    quick("statistics"),
    partly("programs", &["of threads and processes", "cargo build", "htop", "cmake", "sqlite3", "find"]),
    quick("threads"),
    quick("handed_over"),
    quick("resident"),
    long("conformance"),
    long("fork"),
    long("signals"),
    long("false_alarms"),
    long("slow_calls"),
    long("filter"),
    long("memory_pressure"),
    long("exchange"),
    long("changed_pages"),
    long("purge"),
    long("background_thread"),
];

const fn quick(name: &'static str) -> File {
    partly(name, &[])
}

const fn partly(name: &'static str, long: &'static [&'static str]) -> File {
    File { name, long }
}

/// Every name contains what is empty.
const fn long(name: &'static str) -> File {
    partly(name, &[""])
}

impl File {
    /// Returns whether all of its tests take long.
    pub fn is_long(&self) -> bool {
        self.long.contains(&"")
    }
}

/// Returns the test file of this name.
///
/// # Errors
/// There is none; the message says which ones there are.
pub fn file(name: &str) -> Result<&'static File, String> {
    FILES.iter().find(|file| file.name == name).ok_or_else(|| {
        let names: Vec<&str> = FILES.iter().map(|file| file.name).collect();
        format!("no test file of a heap is called '{name}': there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout;
    use std::collections::BTreeSet;

    /// The other test files, which do not test a heap.
    const NO_HEAP: &[&str] = &[
        // Several heaps, which each test chooses.
        "observe",
        "heap_profile",
        // A certain library, that of the first heap or of a test.
        "building",
        "shared_library",
        "static_library",
        "hooks",
        "my_heap",
        "cached_heap",
        "shared_arena",
        // The sources, the documentation and the scripts.
        "dependencies",
        "docs",
        "missing_tools",
        "module_graph",
        "scripts",
        "words",
    ];

    #[test]
    fn every_test_file_is_here() {
        let there = std::fs::read_dir(checkout().join("tests/tests")).unwrap().map(|entry| entry.unwrap().path());
        let there: BTreeSet<String> =
            there.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        let files = FILES.iter().map(|file| file.name).filter(|name| *name != CHECK);
        let here: BTreeSet<String> = files.chain(NO_HEAP.iter().copied()).map(str::to_owned).collect();
        assert_eq!(there, here);
    }
}
