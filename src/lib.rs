//! libxalloc: the library for `LD_PRELOAD`.
//!
//! Thin on purpose: it chooses the heap (`heaps`), obeys `XALLOC_CONF` (`configuration`), and hands both to
//! `interpose!`. What malloc *means* is in xalloc-redirect, how memory is managed in xalloc-heap.

#![no_std]

mod configuration;
mod heaps;

use heaps::Heaps;

xalloc_redirect::panic_handler!();
xalloc_redirect::interpose!(Heaps = Heaps::new());
