//! Makes an allocator from a heap, with which any program can be started.
//!
//! Implement [`Heap`], write [`interpose!`], and build a `cdylib`: the result is a library for `LD_PRELOAD`. This crate adds
//! what the C and C++ standards, libc and the loader demand of any malloc: the symbols, errno, the rules for overflow and
//! alignment, `operator new`, a start-up that works before the first constructor, threads however they begin and end, fork, and
//! pointers that other allocators made.
//!
//! It knows nothing of how a heap is made. Each module has one concern: start-up, [`bootstrap`], `threads`, `fork`, `c_api`,
//! `operators`, `introspection`, `statistics`, `foreign`, `export`.

#![no_std]

#[cfg(test)]
extern crate std;

#[cfg(target_os = "linux")]
mod background;
#[cfg(target_os = "linux")]
mod background_thread;
pub mod bootstrap;
mod c_api;
#[cfg(target_os = "linux")]
mod dlopen;
mod export;
#[cfg(target_os = "linux")]
mod filter;
mod foreign;
mod fork;
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

pub use introspection::{MallInfo, MallInfo2};
#[cfg(target_os = "linux")]
pub use operators::Operator;
pub use statistics::{CStats, StatsReport};
pub use xalloc_heap::{Heap, Refusal, Report, Stats};
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

use bootstrap::Bootstrap;
use core::ffi::{CStr, c_void};
use startup::{Begin, Startup};
use sync::AtomicUsize;
use thread_end::ThreadEnd;
use xalloc_os::thread::{self, Phase};

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;

pub use platform::{dlsym, module};

/// The plain functions through which libc calls a [`HeapRedirect`], because libc cannot pass `self`. [`interpose!`] defines
/// them.
pub struct Callbacks {
    /// Must call [`HeapRedirect::thread_end`].
    pub thread_end: unsafe extern "C" fn(*mut c_void),
    /// Must call [`HeapRedirect::run_background`], and return null.
    #[cfg(target_os = "linux")]
    pub background: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    /// Must call [`HeapRedirect::prefork`].
    pub prefork: unsafe extern "C" fn(),
    /// Must call [`HeapRedirect::postfork_parent`].
    pub postfork_parent: unsafe extern "C" fn(),
    /// Must call [`HeapRedirect::postfork_child`].
    pub postfork_child: unsafe extern "C" fn(),
}

/// The arena for allocations from inside the start-up. It is not a part of the redirection, because it is all zeros and the
/// redirection is not: so its pages take no room in the library's file.
static BOOTSTRAP: Bootstrap = Bootstrap::new();

/// A heap in the place of the process's malloc. Its first value is a constant, so it works before any constructor has run.
pub struct HeapRedirect<H> {
    heap: H,
    callbacks: Callbacks,
    startup: Startup,
    threads: ThreadEnd,
    #[cfg(target_os = "linux")]
    background: background::Background,
    is_beside_malloc: bool,
}

impl<H: Heap> HeapRedirect<H> {
    /// Returns the redirection to `heap`.
    pub const fn new(heap: H, callbacks: Callbacks) -> Self {
        Self {
            heap,
            callbacks,
            startup: Startup::around(AtomicUsize::new(0)),
            threads: ThreadEnd::new(),
            #[cfg(target_os = "linux")]
            background: background::Background::new(),
            is_beside_malloc: false,
        }
    }

    /// Makes this a redirection beside the process's malloc, not in its place: a pointer that is not the heap's is then
    /// reported as a mistake, and is not taken for another allocator's block.
    pub const fn beside_malloc(mut self) -> Self {
        self.is_beside_malloc = true;
        self
    }

    /// Returns the heap, ready for the calling thread. `None` if the calling thread is just making it ready and allocates while
    /// it does: then only the bootstrap arena can serve the call.
    #[inline]
    fn heap(&self) -> Option<&H> {
        if self.startup.is_ready() && Phase::current() != Phase::New { Some(&self.heap) } else { self.prepare() }
    }

    #[cold]
    fn prepare(&self) -> Option<&H> {
        self.start().then(|| {
            self.attach_thread();
            &self.heap
        })
    }

    /// Starts up if nobody has. Returns false if the calling thread is inside its own start-up.
    fn start(&self) -> bool {
        match self.startup.begin(thread::token()) {
            Begin::Ready => true,
            Begin::Reentered => false,
            Begin::Run => {
                thread::prepare();
                self.heap.init(report::report);
                self.threads.create(self.callbacks.thread_end);
                self.startup.finish();
                true
            }
        }
    }

    /// Does early what the first allocation would do anyway, and what needs libc: the library's constructor. It does not attach
    /// the thread, because a program that never allocates needs no heap.
    ///
    /// Linked with `-z initfirst`, it runs before every other library's constructor, so that its fork handlers are registered
    /// first. `fork` runs prepare handlers from last to first, and other libraries may allocate in theirs.
    pub fn construct(&self) {
        self.begin_process();
        self.register_fork_handlers();
        #[cfg(target_os = "linux")]
        self.prepare_background_thread();
    }

    /// Does what [`HeapRedirect::construct`] does, but without fork handlers: the caller must see to fork in another way.
    pub(crate) fn begin_process(&self) {
        self.start();
        self.heap.process_init();
    }
}
