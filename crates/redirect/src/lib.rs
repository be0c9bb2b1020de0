//! Makes an allocator from a heap, with which any program can be started.
//!
//! Implement [`Heap`], write [`interpose!`], and build a `cdylib`: the result is a library for `LD_PRELOAD`. This crate adds
//! what the C and C++ standards, libc and the loader demand of any malloc: the symbols, errno, the rules for overflow and
//! alignment, `operator new`, a start-up that works before the first constructor, threads however they begin and end, fork, and
//! pointers that other allocators made.
//!
//! It knows nothing of how a heap is made. Each module has one concern: `heap_redirect` (with the start-up), [`bootstrap`], `threads`,
//! `fork`, `c_api`, `operators`, `introspection`, `statistics`, `foreign`, `construct`, `export`.

#![no_std]

#[cfg(test)]
extern crate std;

#[cfg(target_os = "linux")]
mod background;
#[cfg(target_os = "linux")]
mod background_thread;
pub mod bootstrap;
mod c_api;
mod construct;
#[cfg(target_os = "linux")]
mod dlopen;
mod export;
#[cfg(target_os = "linux")]
mod filter;
mod foreign;
mod fork;
mod heap_redirect;
mod introspection;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
#[doc(hidden)]
pub mod macos;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(target_os = "linux")]
mod next_function;
#[cfg(target_os = "linux")]
mod operators;
#[cfg(target_os = "linux")]
mod pthread_create;
pub mod report;
mod startup;
#[cfg(test)]
mod startup_tests;
mod statistics;
mod sync;
mod thread_end;
#[cfg(target_os = "linux")]
mod thread_start;
mod threads;

use core::ffi::CStr;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;

pub(crate) use bootstrap::BOOTSTRAP;
pub use heap_redirect::{Callbacks, HeapRedirect};
pub use introspection::{MallInfo, MallInfo2};
#[cfg(target_os = "linux")]
pub use operators::Operator;
pub use platform::{dlsym, module};
pub use statistics::{CStats, StatsReport};
pub use xalloc_heap::{Heap, Misuse, Refusal, Report, Stats};
pub use xalloc_os::panic_handler;

#[doc(hidden)]
pub use libc as __libc;
#[doc(hidden)]
pub use xalloc_os as __os;

/// The version of this crate, as a C string.
pub const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};
