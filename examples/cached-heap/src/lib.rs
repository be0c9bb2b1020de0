//! A preloadable heap with a cache for each thread: docs/write-a-heap.md builds it step by step.
//!
//! Build it with `cargo build --release -p cached-heap`, and run any program on it:
//! `LD_PRELOAD=target/release/libcached_heap.so python3 -c 'print("hello")'`.

#![no_std]

mod heap;

use heap::CachedHeap;

xalloc_redirect::panic_handler!();
xalloc_redirect::interpose!(CachedHeap = CachedHeap::new());
