//! The heap of powers of two.
#![no_main]

use xalloc_heaps::Pow2;

static HEAP: Pow2 = Pow2::new();

libfuzzer_sys::fuzz_target!(|operations: Vec<xalloc_fuzz::heap::Operation>| xalloc_fuzz::heap::run(&HEAP, operations));
