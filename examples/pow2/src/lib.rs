//! The heap of powers of two as a library of its own: `LD_PRELOAD=target/release/libxalloc_pow2.so python3`.

#![no_std]

use xalloc_heaps::Pow2;

xalloc_redirect::panic_handler!();
xalloc_redirect::interpose!(Pow2 = Pow2::new());
