//! How threads begin and end, for the heap.
//!
//! A thread is *attached* at its first allocation, or a little earlier if `pthread_create` made it (`thread_start`). It is *detached* when
//! libc says that it ends ([`ThreadEnd`](crate::thread_end::ThreadEnd)). What libc frees even later finds a thread that is torn
//! down, which heaps serve on a shared path.

use crate::{Heap, HeapRedirect};
use core::ffi::c_void;
use xalloc_os::thread::Phase;

impl<H: Heap> HeapRedirect<H> {
    /// What libc calls at a thread's end, with the value it has for `ThreadEnd`.
    pub fn thread_end(&self, round: *mut c_void) {
        if self.threads.is_now(round) {
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

    /// Makes the calling thread known to the heap before its first allocation, or again after it left.
    pub fn thread_begin(&self) {
        if Phase::current() == Phase::TornDown {
            Phase::New.enter();
        }
        self.heap();
    }

    /// Leaves the heap before the calling thread's end: what it still allocates and frees takes a shared path.
    pub fn thread_leave(&self) {
        if !matches!(Phase::current(), Phase::New | Phase::TornDown) {
            self.threads.disarm();
            self.detach_thread();
        }
    }
}
