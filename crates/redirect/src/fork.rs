//! Fork. In the child, neither a lock of the heap nor stdio's list lock may be held by a thread that does not exist there.

use crate::platform::stdio::StdioList;
use crate::{Heap, HeapRedirect};
use xalloc_os::thread;

impl<H: Heap> HeapRedirect<H> {
    /// Registers the fork handlers with libc. Only the constructor may call it: registering takes a lock of libc, under which
    /// the first allocation of the process may be made.
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

    /// Takes stdio's list lock and the locks of the heap, before the fork. stdio's comes first: libc takes it after this
    /// handler, while a thread that holds it may wait for a file, and the holder of that file for the heap.
    pub fn prefork(&self) {
        if let Some(list) = StdioList::find() {
            list.lock();
        }
        self.heap.prefork();
    }

    /// Releases the locks after the fork, in the parent.
    pub fn postfork_parent(&self) {
        self.heap.postfork_parent();
        if let Some(list) = StdioList::find() {
            list.unlock();
        }
    }

    /// Releases the locks after the fork, in the child. Libc resets its list lock only if the parent had several threads.
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
