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

/// A heap in the place of the process's malloc. Its first value is a constant, so it works before any constructor has run.
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
    /// Returns the redirection to `heap`.
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

    /// Makes this a redirection beside the process's malloc, not in its place: a pointer that is not the heap's is then
    /// reported as a mistake, and is not taken for another allocator's block.
    pub const fn beside_malloc(mut self) -> Self {
        self.is_beside_malloc = true;
        self
    }

    /// Returns the heap, ready for the calling thread. `None` if the calling thread is just making it ready and allocates while
    /// it does: then only the bootstrap arena can serve the call.
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

    /// Starts up if nobody has. Returns false if the calling thread is inside its own start-up.
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

    /// Attaches the calling thread to the heap, once.
    pub(crate) fn attach_thread(&self) {
        if Phase::current() != Phase::New {
            return;
        }
        // This comes first: `pthread_setspecific` and the heap's hook may call malloc.
        Phase::Plain.enter();
        self.threads.arm();
        self.heap.thread_init();
        #[cfg(target_os = "linux")]
        self.background.note_begin();
    }
}
