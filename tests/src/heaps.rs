//! The heaps that the tests of the finished library run on, and what a heap need not do: with the tests of it, and the reason.
//!
//! A heap is a line of [`HEAPS`]. `scripts/test-heaps` runs the tests on all of them.

mod files;
mod gaps;

pub use files::{CHECK, FILES, File, file};
pub use gaps::Gap;
use gaps::{
    CACHE, FEW_SIZES, FOREIGN, HIT_PATH, HOOKS, LEFT_OUT, MISUSE, OPTIONS, PASSES_THROUGH, POWERS, SLOW_PATHS, SMALL,
    STATISTICS,
};
use std::path::PathBuf;
use std::sync::OnceLock;

/// A heap, in the library that serves programs with it.
#[derive(Debug)]
pub struct Heap {
    /// What `XALLOC_TEST_HEAP` calls it.
    pub name: &'static str,
    /// The package that makes the library, and its file.
    product: (&'static str, &'static str),
    /// What stands first in `XALLOC_CONF`.
    conf: &'static str,
    /// What it does not promise.
    pub gaps: &'static [Gap],
}

const LIBXALLOC: (&str, &str) = ("xalloc", "libxalloc.so");

const POW2: (&str, &str) = ("xalloc-pow2", "libxalloc_pow2.so");
const TAILORED: (&str, &str) = ("tailored-heap", "libtailored_heap.so");
const CACHED: (&str, &str) = ("cached-heap", "libcached_heap.so");
const MY_HEAP: (&str, &str) = ("my-heap", "libmy_heap.so");
const OBSERVED_HEAP: (&str, &str) = ("observed-heap", "libobserved_heap.so");

/// Every heap. The first one is tested where nothing is said.
pub const HEAPS: &[Heap] = &[
    Heap { name: "fast", product: LIBXALLOC, conf: "", gaps: &[] },
    Heap { name: "pow2", product: LIBXALLOC, conf: "heap:pow2", gaps: &[POWERS, SLOW_PATHS] },
    Heap { name: "system", product: LIBXALLOC, conf: "heap:system", gaps: &[FOREIGN, MISUSE, PASSES_THROUGH] },
    Heap { name: "pow2-library", product: POW2, conf: "", gaps: &[OPTIONS, HIT_PATH, POWERS, SLOW_PATHS] },
    Heap { name: "tailored-heap", product: TAILORED, conf: "", gaps: &[OPTIONS, HIT_PATH, FEW_SIZES, SLOW_PATHS] },
    Heap { name: "cached-heap", product: CACHED, conf: "", gaps: &[OPTIONS, HIT_PATH, LEFT_OUT] },
    Heap {
        name: "my-heap",
        product: MY_HEAP,
        conf: "",
        gaps: &[OPTIONS, FOREIGN, MISUSE, STATISTICS, CACHE, SMALL, HIT_PATH],
    },
    Heap { name: "observed-heap", product: OBSERVED_HEAP, conf: "", gaps: &[OPTIONS, HOOKS, HIT_PATH] },
];

/// Returns the heap that is tested: the one that `XALLOC_TEST_HEAP` names.
pub fn chosen() -> &'static Heap {
    static CHOSEN: OnceLock<&Heap> = OnceLock::new();
    CHOSEN.get_or_init(|| match std::env::var("XALLOC_TEST_HEAP") {
        Err(_) => &HEAPS[0],
        Ok(name) => named(&name).unwrap_or_else(|error| panic!("XALLOC_TEST_HEAP: {error}")),
    })
}

/// Returns the heap of this name.
///
/// # Errors
/// There is none; the message says which ones there are.
pub fn named(name: &str) -> Result<&'static Heap, String> {
    HEAPS.iter().find(|heap| heap.name == name).ok_or_else(|| {
        let names: Vec<&str> = HEAPS.iter().map(|heap| heap.name).collect();
        format!("there is no heap '{name}': there are {}", names.join(", "))
    })
}

impl Heap {
    /// Returns the path of the library, after building it.
    pub fn library(&self) -> PathBuf {
        let (package, file) = self.product;
        crate::building::built(package, file)
    }

    /// Returns whether it is in libxalloc itself, and not in a library of its own.
    pub fn is_in_libxalloc(&self) -> bool {
        self.product == LIBXALLOC
    }

    /// Returns an `XALLOC_CONF` by which the library takes this heap, with `more` behind it.
    pub fn configuration(&self, more: &str) -> String {
        [self.conf, more].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
    }

    /// Returns why the heap does not promise what this test demands; nothing if it does.
    pub fn gap(&self, file: &str, test: &str) -> Option<&'static Gap> {
        self.gaps.iter().find(|gap| gap.has(file, test))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A misspelt one would excuse nothing, and one of a file that is gone would be read as true.
    #[test]
    fn a_gap_is_of_test_files_that_there_are() {
        for gap in HEAPS.iter().flat_map(|heap| heap.gaps) {
            for name in gap.files() {
                assert!(file(name).is_ok(), "[{}] {name}", gap.name);
            }
        }
    }

    #[test]
    fn options_of_a_test_come_behind_the_heaps() {
        let [fast, system] = ["fast", "system"].map(|name| named(name).unwrap());
        assert_eq!(fast.configuration(""), "");
        assert_eq!(fast.configuration("purge_ms:0"), "purge_ms:0");
        assert_eq!(system.configuration(""), "heap:system");
        assert_eq!(system.configuration("purge_ms:0"), "heap:system,purge_ms:0");
    }

    #[test]
    fn a_heap_that_is_not_there_is_said_with_those_that_are() {
        let message = named("fats").unwrap_err();
        assert!(message.starts_with("there is no heap 'fats': there are fast, pow2, "), "{message}");
    }
}
