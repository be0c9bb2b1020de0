//! Blocks whose pages the program has changed when it frees or resizes them, on glibc, which unmaps them, and on xalloc.

use libtest_mimic::Arguments;
use xalloc_tests::rows;

fn main() {
    let arguments = Arguments::from_args();
    // As they are kept for the next block; given back, as far as they share a mapping with others; and kept without pages.
    let mut trials = rows::both("changed_pages.c", "", &["kept", "0", "100000000"]);
    trials.extend(rows::both("changed_pages.c", "", &["trimmed", "0", "2000000", "trim"]));
    trials.extend(rows::both("changed_pages.c", "purge_ms:0", &["purged", "2000000", "100000000"]));
    libtest_mimic::run(&arguments, trials).exit();
}
