//! libxalloc: the library for `LD_PRELOAD`.
//!
//! It is thin on purpose: it chooses the heap (`heaps`), obeys `XALLOC_CONF` (`configuration`), and passes both to
//! `interpose!`. The rules of malloc are in xalloc-redirect, the management of memory in xalloc-heaps.

#![no_std]

mod configuration;
mod heaps;
mod next;
#[cfg(target_os = "linux")]
mod observation;
mod output_file;
mod pow2_options;
#[cfg(target_os = "linux")]
mod profile;
mod statistics;
#[cfg(target_os = "linux")]
mod wanted;

use heaps::Heaps;
#[cfg(target_os = "linux")]
use wanted::xalloc_wanted;
#[cfg(target_os = "linux")]
use xalloc_observe::Observed;

/// The heaps, as they can be observed.
#[cfg(target_os = "linux")]
type Served = Observed<Heaps>;
#[cfg(not(target_os = "linux"))]
type Served = Heaps;

xalloc_redirect::panic_handler!();
#[cfg(target_os = "linux")]
xalloc_redirect::interpose!(Served = Observed::new(Heaps::new(), &xalloc_wanted));
#[cfg(not(target_os = "linux"))]
xalloc_redirect::interpose!(Served = Heaps::new());

// The symbol by which libc's `pthread_atfork` knows this library. It is defined in the start files, which build.rs leaves out.
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
