//! From a heap to an allocator that any program can be started with.
//!
//! Implement [`Heap`], write [`interpose!`], build a `cdylib`: the result is a library for `LD_PRELOAD`. This crate adds
//! what the C and C++ standards, libc and the loader demand around any heap: which symbols to export, errno, overflow and
//! alignment rules, `operator new`, a start-up that works before the first constructor, threads however they begin and
//! end, fork, and pointers that other allocators made.
//!
//! It knows nothing of how a heap is made. One module, one concern: start-up, [`bootstrap`], `threads`, `fork`,
//! `c_api`, `operators`, `introspection`, `statistics`, `foreign`, `export`.

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

/// The version of this crate, for C.
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

/// The plain functions through which libc reaches a [`HeapRedirect`]: it knows no `self`. [`interpose!`] writes them.
pub struct Callbacks {
    /// Calls [`HeapRedirect::thread_end`].
    pub thread_end: unsafe extern "C" fn(*mut c_void),
    /// Calls [`HeapRedirect::run_background`], and returns null.
    #[cfg(target_os = "linux")]
    pub background: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    /// Calls [`HeapRedirect::prefork`].
    pub prefork: unsafe extern "C" fn(),
    /// Calls [`HeapRedirect::postfork_parent`].
    pub postfork_parent: unsafe extern "C" fn(),
    /// Calls [`HeapRedirect::postfork_child`].
    pub postfork_child: unsafe extern "C" fn(),
}

/// For allocations from inside the start-up. Not a part of the redirection, whose other words are not zeros: so these pages
/// take no room in the library's file.
static BOOTSTRAP: Bootstrap = Bootstrap::new();

/// A heap in the place of the process's malloc. Constant from the start: it works before any constructor has run.
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
    /// The redirection to `heap`.
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

    /// The same, not in the place of the process's malloc but beside it: a pointer that is not the heap's is a mistake, and
    /// no other allocator's block.
    pub const fn beside_malloc(mut self) -> Self {
        self.is_beside_malloc = true;
        self
    }

    /// Returns the heap, ready for the calling thread; `None` while this very thread is making it ready, and so has come here
    /// from inside: then only the bootstrap arena can serve it.
    #[inline]
    pub fn heap(&self) -> Option<&H> {
        if self.startup.is_ready() && Phase::current() != Phase::New { Some(&self.heap) } else { self.prepare() }
    }

    #[cold]
    fn prepare(&self) -> Option<&H> {
        self.start().then(|| {
            self.attach_thread();
            &self.heap
        })
    }

    /// Starts up if nobody has. False inside the caller's own start-up.
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

    /// The library's constructor: does early what the first allocation would do anyway, and what needs libc. Not for the
    /// thread: a program that never allocates gets no heap.
    ///
    /// Linked with `-z initfirst` it runs before every other library's, so that its fork handlers are the first: `fork`
    /// runs prepare handlers last to first, and others may allocate in theirs.
    pub fn construct(&self) {
        self.begin_process();
        self.register_fork_handlers();
        #[cfg(target_os = "linux")]
        self.prepare_background_thread();
    }

    /// [`HeapRedirect::construct`] without what is done at fork, which must then be seen to in another way.
    pub(crate) fn begin_process(&self) {
        self.start();
        self.heap.process_init();
    }
}
