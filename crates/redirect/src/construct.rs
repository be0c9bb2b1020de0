//! What the library does before the program's own code runs.

use crate::{Heap, HeapRedirect};

impl<H: Heap> HeapRedirect<H> {
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
