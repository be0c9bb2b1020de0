//! libxalloc: the library for `LD_PRELOAD`.
//!
//! Thin on purpose: it chooses the heap (`heaps`), obeys `XALLOC_CONF` (`configuration`), and hands both to
//! `interpose!`. What malloc *means* is in xalloc-redirect, how memory is managed in xalloc-heaps.

#![no_std]

mod configuration;
mod heaps;
mod next;
mod pow2_options;
mod statistics;

use heaps::Heaps;

xalloc_redirect::panic_handler!();
xalloc_redirect::interpose!(Heaps = Heaps::new());

// What names this library to libc's `pthread_atfork`, from the start files that build.rs leaves out.
#[cfg(target_os = "linux")]
core::arch::global_asm!(
    ".pushsection .data.rel.ro.xalloc_dso_handle,\"aw\",@progbits",
    ".hidden __dso_handle",
    ".globl __dso_handle",
    ".balign 8",
    "__dso_handle:",
    ".quad __dso_handle",
    ".popsection",
);
