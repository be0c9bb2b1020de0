//! The end of a thread, as the destructor of a pthread key learns it.
//!
//! Libc calls the destructor after return, `pthread_exit`, cancellation and `thrd_exit` alike; code behind the thread's
//! function would not run after all of them. Other destructors allocate too, so this one puts itself off until the last round.

use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};

/// The number of rounds in which libc calls destructors as long as there are values (POSIX's minimum; the number of glibc and
/// musl).
const ROUNDS: usize = 4;

/// The key whose destructor is called at the end of each thread that called [`arm`](Self::arm).
pub struct ThreadEnd(AtomicUsize);

impl ThreadEnd {
    /// Returns a value without a key.
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Makes the key. Early in the process it is among the first 32 keys, for which glibc's `pthread_setspecific` does not
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

    /// Makes libc call the destructor at the end of the calling thread.
    pub fn arm(&self) {
        self.set(1);
    }

    /// Keeps libc from calling the destructor at the end of the calling thread.
    pub fn disarm(&self) {
        self.set(0);
    }

    /// Returns whether this is the last round, for the destructor, which passes its argument. If it is not, the destructor will
    /// be called again.
    pub fn is_last_round(&self, round: *mut c_void) -> bool {
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
