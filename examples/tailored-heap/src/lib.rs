//! A heap tailored for one program: its size classes are the sizes that the program allocates most, so that nothing of a block
//! is lost.
//!
//! Build it with `cargo build --release -p tailored-heap`, and run a program on it:
//! `LD_PRELOAD=target/release/libtailored_heap.so python3 -c 'print("hello")'`. `ltrace -e malloc`, or a heap profile, tells
//! which sizes a program allocates.

#![no_std]

use xalloc_heaps::scalable::{Central, ClassHeap, OsLock, Scalable, ThreadLocal};

xalloc_heaps::size_classes! {
    /// Python's small objects, its dictionaries' tables, and one size in each doubling above.
    pub Sizes: [16, 32, 48, 64, 80, 112, 160, 240, 368, 512, 656, 1024, 1184, 2048, 4096, 8192, 16384, 32768]; waste 1 / 2
}

type Of<P> = ClassHeap<{ Sizes::N }, Sizes, P>;
type Tailored = Scalable<Of<Central<OsLock>>, Of<ThreadLocal>>;

xalloc_redirect::panic_handler!();
xalloc_redirect::interpose!(Tailored = Tailored::new());
