//! The state of the background thread, which [`crate::background_thread`] makes and ends.

use core::ffi::c_char;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use xalloc_os::syscall;

/// The thread is not wanted, or not any more. It is the first value, so that a process without the option pays for reading one
/// word of zeros.
pub const OFF: u32 = 0;
/// The thread is to be made.
pub const WANTED: u32 = 1;
/// The thread is being made, or being ended.
pub const BUSY: u32 = 2;
/// The thread exists.
pub const RUNNING: u32 = 3;

/// The state of the background thread, and of the threads on which it depends.
pub struct Background {
    state: AtomicU32,
    /// The process that may have the thread.
    pub process: AtomicI32,
    /// The thread's number in the kernel; 0 until it runs.
    pub thread: AtomicI32,
    /// The number of the program's threads that are attached to the heap.
    attached: AtomicUsize,
    /// The address of glibc's word that says whether the process has one thread; null if libc has none.
    pub is_single: AtomicPtr<c_char>,
}

impl Background {
    /// Returns the state without a thread, and with none wanted.
    pub const fn new() -> Self {
        Self {
            state: AtomicU32::new(OFF),
            process: AtomicI32::new(0),
            thread: AtomicI32::new(0),
            attached: AtomicUsize::new(0),
            is_single: AtomicPtr::new(null_mut()),
        }
    }

    /// Returns whether the thread is to be made and does not exist yet.
    #[inline(always)]
    pub fn is_wanted(&self) -> bool {
        // Relaxed: a hint. A caller that acts on it calls `change`.
        self.state.load(Ordering::Relaxed) == WANTED
    }

    /// Returns whether there is no thread, and none is to be made.
    pub fn is_off(&self) -> bool {
        // Relaxed: once off, it stays so.
        self.state.load(Ordering::Relaxed) == OFF
    }

    /// Changes the state from `old` to `new`, if it is `old`. Returns whether it was, so that only one of several threads acts
    /// on the change.
    pub fn change(&self, old: u32, new: u32) -> bool {
        // Relaxed, here and in `settle`: what is done between the two calls is done by libc, the kernel and the heap, which
        // have orders of their own.
        self.state.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Sets the state to `state`, after [`BUSY`] or before there is a second thread.
    pub fn settle(&self, state: u32) {
        self.state.store(state, Ordering::Relaxed);
    }

    /// Returns whether this is the process that may have the thread. A child that was made by `vfork` shares the state, but is
    /// another process.
    pub fn is_own_process(&self) -> bool {
        // Relaxed: the constructor wrote it.
        self.process.load(Ordering::Relaxed) == syscall::process_id()
    }

    /// Returns whether the process has one thread, as libc says, or as far as threads were seen if libc does not say.
    pub fn is_single_threaded(&self) -> bool {
        // Relaxed: as for `process`.
        let answer = self.is_single.load(Ordering::Relaxed);
        // SAFETY: libc's variable, which is true or false.
        answer.is_null() || unsafe { answer.read_volatile() } != 0
    }

    /// Counts a thread of the program that is attached to the heap.
    pub fn note_begin(&self) {
        // Relaxed: only the number matters.
        self.attached.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the end of such a thread. Returns whether it was the last one.
    pub fn note_end(&self) -> bool {
        // Relaxed: as above.
        self.attached.fetch_sub(1, Ordering::Relaxed) == 1
    }

    /// Says that there is no thread, and none is to be made. For a forked child, in which the thread does not exist.
    pub fn settle_after_fork(&self) {
        // Relaxed: the child has one thread.
        self.state.store(OFF, Ordering::Relaxed);
    }
}
