//! A cached value in two words, which are written and read without a lock.
//!
//! Each word has half of the value, and all of the key. Who finds the key in both has two halves that belong to this key; and
//! because a key always has the same value, it does not matter whether one writer has written both. So nothing has to be
//! ordered: two halves of different keys are noticed, and are as good as none.

use crate::sync::{AtomicUsize, Ordering};

/// How many bits a key has.
pub const KEY_BITS: u32 = 42;
/// How many bits a value has.
pub const VALUE_BITS: u32 = 2 * HALF;

const HALF: u32 = 22;
const _: () = assert!(KEY_BITS + HALF == usize::BITS);

/// Two words, which have a value under a key. Words of zeros have the value 0 under the key 0.
pub struct Pair([AtomicUsize; 2]);

impl Pair {
    /// Returns a pair of these words.
    pub const fn around(words: [AtomicUsize; 2]) -> Self {
        Self(words)
    }

    /// Returns the value, if it is under this key.
    #[inline(always)]
    pub fn get(&self, key: usize) -> Option<u64> {
        // Relaxed: see above.
        let [first, second] = [self.0[0].load(Ordering::Relaxed), self.0[1].load(Ordering::Relaxed)];
        let is_whole = first >> HALF == key && second >> HALF == key;
        let half = |word: usize| (word & ((1 << HALF) - 1)) as u64;
        is_whole.then(|| half(first) | half(second) << HALF)
    }

    /// Puts a value under a key, in the place of what is there.
    pub fn set(&self, key: usize, value: u64) {
        let half = |value: u64| (value as usize) & ((1 << HALF) - 1) | key << HALF;
        // Relaxed: see above.
        self.0[0].store(half(value), Ordering::Relaxed);
        self.0[1].store(half(value >> HALF), Ordering::Relaxed);
    }

    /// Makes it a pair of zeros.
    pub fn clear(&self) {
        // Relaxed: as a write of another key.
        self.0.iter().for_each(|word| word.store(0, Ordering::Relaxed));
    }
}
