//! A heap in the place of the process's malloc, and what makes it ready for the process and for a thread.

#[cfg(target_os = "linux")]
use crate::background::Background;
use crate::report::report;
use crate::startup::{Begin, Startup};
use crate::sync::AtomicUsize;
use crate::thread_end::ThreadEnd;
use core::ffi::c_void;
use xalloc_heap::Heap;
use xalloc_os::thread::{self, Phase};

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

/// A heap in the place of the process's malloc. Constant from the start: it works before any constructor has run.
pub struct HeapRedirect<H> {
    pub(crate) heap: H,
    pub(crate) callbacks: Callbacks,
    pub(crate) startup: Startup,
    pub(crate) threads: ThreadEnd,
    #[cfg(target_os = "linux")]
    pub(crate) background: Background,
    pub(crate) is_beside_malloc: bool,
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
            background: Background::new(),
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
    pub(crate) fn start(&self) -> bool {
        match self.startup.begin(thread::token()) {
            Begin::Ready => true,
            Begin::Reentered => false,
            Begin::Run => {
                thread::prepare();
                self.heap.init(report);
                self.threads.create(self.callbacks.thread_end);
                self.startup.finish();
                true
            }
        }
    }

    /// Makes the calling thread known to the heap, once.
    pub(crate) fn attach_thread(&self) {
        if Phase::current() != Phase::New {
            return;
        }
        // First: `pthread_setspecific` and the heap's hook may come back here.
        Phase::Plain.enter();
        self.threads.arm();
        self.heap.thread_init();
        #[cfg(target_os = "linux")]
        self.background.note_begin();
    }
}
