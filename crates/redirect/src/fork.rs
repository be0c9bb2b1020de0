//! Fork: no lock of the heap, and not stdio's list lock, is held by a thread that is gone in the child.

use crate::platform::stdio::StdioList;
use crate::{Heap, HeapRedirect};
use xalloc_os::thread;

impl<H: Heap> HeapRedirect<H> {
    /// Registers the fork handlers with libc. From the constructor only: registering takes a lock of libc, under which
    /// the first allocation of the process may happen.
    pub(crate) fn register_fork_handlers(&self) {
        let callbacks = &self.callbacks;
        // SAFETY: libc's. If it has no memory for them, fork works as long as no other thread is inside the heap.
        unsafe {
            libc::pthread_atfork(
                Some(callbacks.prefork),
                Some(callbacks.postfork_parent),
                Some(callbacks.postfork_child),
            )
        };
    }

    /// Before the fork. stdio's list first: libc takes it after this handler, while a thread that holds it may be waiting
    /// for a file whose holder waits for the heap.
    pub fn prefork(&self) {
        if let Some(list) = StdioList::find() {
            list.lock();
        }
        self.heap.prefork();
    }

    /// After the fork, in the parent.
    pub fn postfork_parent(&self) {
        self.heap.postfork_parent();
        if let Some(list) = StdioList::find() {
            list.unlock();
        }
    }

    /// After the fork, in the child. libc resets the list only if the parent had several threads.
    pub fn postfork_child(&self) {
        self.startup.settle_after_fork(thread::token());
        self.heap.postfork_child();
        #[cfg(target_os = "linux")]
        self.background.settle_after_fork();
        if let Some(list) = StdioList::find() {
            list.reset();
        }
    }
}
