//! The heap of docs/write-a-heap.md.
#![no_main]

#[path = "../../examples/cached-heap/src/heap/mod.rs"]
mod heap;

static HEAP: heap::CachedHeap = heap::CachedHeap::new();

libfuzzer_sys::fuzz_target!(|operations: Vec<xalloc_fuzz::heap::Operation>| xalloc_fuzz::heap::run(&HEAP, operations));
