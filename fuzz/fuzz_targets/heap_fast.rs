//! The default heap.
#![no_main]

use xalloc_heaps::FastHeap;

static HEAP: FastHeap = FastHeap::new();

libfuzzer_sys::fuzz_target!(|operations: Vec<xalloc_fuzz::heap::Operation>| xalloc_fuzz::heap::run(&HEAP, operations));
