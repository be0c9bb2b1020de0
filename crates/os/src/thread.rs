//! The calling thread: its token and the one TLS word.
//!
//! The word holds the address of the thread's cache, or of one of three windows into a constant block of zeros. A cache of
//! zeros is an empty one, so the hit paths need no branch for a thread without a cache: they miss, and the slow path sees from
//! the window why there is none.

use crate::empty::{EMPTY, WINDOW};
use crate::system;

pub use crate::empty::CACHE_SIZE;

/// The state of the calling thread, as its TLS word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The allocator has not seen the thread yet.
    New,
    /// The allocator has seen the thread, which has no cache: the heap keeps none, or could not get memory for one.
    Plain,
    /// The thread's last clean-up has run. Libc may still free and allocate blocks; they take a path that all threads share.
    TornDown,
    /// The thread has a cache, at this address.
    Cached(*mut u8),
}

impl Phase {
    /// Returns the calling thread's phase.
    #[inline]
    pub fn current() -> Self {
        let word = word();
        match (word as usize).wrapping_sub((&raw const EMPTY) as usize) / WINDOW {
            0 => Self::New,
            1 => Self::Plain,
            2 => Self::TornDown,
            _ => Self::Cached(word),
        }
    }

    /// Makes this the calling thread's phase.
    pub fn enter(self) {
        let window = |index: usize| (&raw const EMPTY).cast::<u8>().cast_mut().wrapping_add(index * WINDOW);
        system::set_tls_word(match self {
            Self::New => window(0),
            Self::Plain => window(1),
            Self::TornDown => window(2),
            Self::Cached(cache) => cache,
        });
    }
}

/// Makes the word usable in this process. Must be called before any thread enters a phase; calling it again does no harm.
pub fn prepare() {
    system::prepare_tls_word();
}

/// Returns the TLS word, which is always the address of [`CACHE_SIZE`] readable bytes.
#[inline(always)]
pub fn word() -> *mut u8 {
    system::tls_word()
}

/// Returns a number that no other living thread has, and which is never 0. A later thread may have the same.
#[inline]
pub fn token() -> usize {
    system::thread_pointer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_round_trip_and_belong_to_their_thread() {
        prepare();
        assert_eq!(Phase::current(), Phase::New);
        for phase in [Phase::Plain, Phase::TornDown, Phase::Cached(8 as *mut u8), Phase::New] {
            phase.enter();
            assert_eq!(Phase::current(), phase);
            std::thread::spawn(|| assert_eq!(Phase::current(), Phase::New)).join().unwrap();
        }
    }

    #[test]
    fn an_empty_cache_reads_as_zeros_from_every_window() {
        prepare();
        for phase in [Phase::New, Phase::Plain, Phase::TornDown] {
            phase.enter();
            // SAFETY: the word is the address of CACHE_SIZE readable bytes.
            let cache = unsafe { core::slice::from_raw_parts(word(), CACHE_SIZE) };
            assert!(cache.iter().all(|&byte| byte == 0));
        }
        Phase::New.enter();
    }
}
