//! The beginning and the end of threads, for the heap.
//!
//! A thread is *attached* at its first allocation, or a little earlier if `pthread_create` made it (`thread_start`). It is
//! *detached* when libc says that it ends ([`ThreadEnd`](crate::thread_end::ThreadEnd)). Blocks that libc frees even later come
//! from a thread that is torn down; heaps free them on a path that all threads share.

use crate::{Heap, HeapRedirect};
use core::ffi::c_void;
use xalloc_os::thread::Phase;

impl<H: Heap> HeapRedirect<H> {
    /// Ends the calling thread for the heap, in the last round of destructors. Libc calls it, with the value that it has for
    /// `ThreadEnd`.
    pub fn thread_end(&self, round: *mut c_void) {
        if self.threads.is_last_round(round) {
            self.detach_thread();
        }
    }

    fn detach_thread(&self) {
        self.heap.thread_exit();
        Phase::TornDown.enter();
        #[cfg(target_os = "linux")]
        if self.background.note_end() {
            self.end_background_thread();
        }
    }

    /// Attaches the calling thread before its first allocation, or again after it was detached.
    pub fn thread_begin(&self) {
        if Phase::current() == Phase::TornDown {
            Phase::New.enter();
        }
        self.heap();
    }

    /// Detaches the calling thread before it ends. What it allocates and frees after that takes a path that all threads share.
    pub fn thread_leave(&self) {
        if !matches!(Phase::current(), Phase::New | Phase::TornDown) {
            self.threads.disarm();
            self.detach_thread();
        }
    }
}
