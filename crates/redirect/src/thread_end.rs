//! The end of a thread, as libc tells it: by the destructor of a pthread key.
//!
//! It is called for return, `pthread_exit`, cancellation and `thrd_exit` alike, which code after the thread's function is
//! not. The other destructors allocate too, so it puts itself off until libc's last round.

use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};

/// libc calls destructors as long as there are values, this many times (POSIX's minimum; glibc's and musl's value).
const ROUNDS: usize = 4;

/// The key whose destructor is told of the end of each thread that [`arm`](Self::arm)ed it.
pub struct ThreadEnd(AtomicUsize);

impl ThreadEnd {
    /// No key yet.
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Makes the key. Early in the process it is among the first 32, for which glibc's `pthread_setspecific` does not
    /// allocate (macOS's never does).
    pub fn create(&self, destructor: unsafe extern "C" fn(*mut c_void)) {
        let mut key = 0;
        // SAFETY: libc's; takes no lock. Without a key (all of them are taken) threads are never told of: their heaps stay
        // theirs, which costs memory and nothing else.
        if unsafe { libc::pthread_key_create(&mut key, Some(destructor)) } == 0 {
            // Relaxed: published by the end of start-up.
            self.0.store(key as usize + 1, Ordering::Relaxed);
        }
    }

    /// Has the destructor called at the end of the calling thread.
    pub fn arm(&self) {
        self.set(1);
    }

    /// Does not have it called any more.
    pub fn disarm(&self) {
        self.set(0);
    }

    /// For the destructor, with its argument: whether this is the end. If not, it will be called again.
    pub fn is_now(&self, round: *mut c_void) -> bool {
        let round = round as usize;
        let last = round >= ROUNDS;
        if !last {
            self.set(round + 1);
        }
        last
    }

    fn set(&self, round: usize) {
        // Relaxed: see `create`.
        if let Some(key) = self.0.load(Ordering::Relaxed).checked_sub(1) {
            // SAFETY: the key exists. If there is no memory for the value, the destructor is never called.
            unsafe { libc::pthread_setspecific(key as libc::pthread_key_t, round as *const c_void) };
        }
    }
}
