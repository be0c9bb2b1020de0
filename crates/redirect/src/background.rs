//! What is known of the background thread: [`crate::background_thread`].

use core::ffi::c_char;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use xalloc_os::syscall;

/// Not wanted, or not any more. The first value, so that a process without the option pays for one look at a word of zeros.
pub const OFF: u32 = 0;
/// To be made.
pub const WANTED: u32 = 1;
/// Being made, or being ended.
pub const BUSY: u32 = 2;
/// There.
pub const RUNNING: u32 = 3;

/// What is known of the background thread.
pub struct Background {
    state: AtomicU32,
    /// The process that may have it.
    pub process: AtomicI32,
    /// Its number in the kernel; 0 until it runs.
    pub thread: AtomicI32,
    /// Threads of the program that are known to the heap.
    attached: AtomicUsize,
    /// Where glibc says whether the process has one thread; null if libc does not.
    pub is_single: AtomicPtr<c_char>,
}

impl Background {
    /// No thread, and none wanted.
    pub const fn new() -> Self {
        Self {
            state: AtomicU32::new(OFF),
            process: AtomicI32::new(0),
            thread: AtomicI32::new(0),
            attached: AtomicUsize::new(0),
            is_single: AtomicPtr::new(null_mut()),
        }
    }

    /// Whether the thread is to be made, and is not there yet.
    #[inline(always)]
    pub fn is_wanted(&self) -> bool {
        // Relaxed: a hint; who acts on it goes through `change`.
        self.state.load(Ordering::Relaxed) == WANTED
    }

    /// Whether there is no thread, and none is to be made.
    pub fn is_off(&self) -> bool {
        // Relaxed: what is off stays so.
        self.state.load(Ordering::Relaxed) == OFF
    }

    /// Makes the state `new` if it is `old`. Whether it was: of several threads one does what comes with it.
    pub fn change(&self, old: u32, new: u32) -> bool {
        // Relaxed, here and in `settle`: what is done in between is libc's and the kernel's, and the heap's, which has an order of its own.
        self.state.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Makes the state `state` after it was [`BUSY`], or before there is a second thread.
    pub fn settle(&self, state: u32) {
        self.state.store(state, Ordering::Relaxed);
    }

    /// Whether this is the process that may have the thread. A child shares the state if it was made by `vfork`.
    pub fn is_at_home(&self) -> bool {
        // Relaxed: written by the constructor.
        self.process.load(Ordering::Relaxed) == syscall::process_id()
    }

    /// Whether the process has one thread, as far as libc says.
    pub fn is_single_threaded(&self) -> bool {
        // Relaxed: as for `process`. Without an answer, no thread but those that were seen.
        let answer = self.is_single.load(Ordering::Relaxed);
        // SAFETY: libc's variable, which is true or false.
        answer.is_null() || unsafe { answer.read_volatile() } != 0
    }

    /// Notes that a thread of the program is known to the heap from now on.
    pub fn note_begin(&self) {
        // Relaxed: only the number matters.
        self.attached.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that such a thread ends. Whether it was the last one.
    pub fn note_end(&self) -> bool {
        // Relaxed: as above.
        self.attached.fetch_sub(1, Ordering::Relaxed) == 1
    }

    /// In a forked child: it has no such thread, and gets none.
    pub fn settle_after_fork(&self) {
        // Relaxed: the child has one thread.
        self.state.store(OFF, Ordering::Relaxed);
    }
}
