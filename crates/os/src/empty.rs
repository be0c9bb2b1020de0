//! The constant block of zeros that a thread without a cache has for one.

/// The size of the largest cache a heap may keep behind the TLS word, in bytes.
pub const CACHE_SIZE: usize = 4096;

/// How far apart the windows are.
pub const WINDOW: usize = 64;

/// Zeros in read-only memory: a hit path that writes through the word of a thread without a cache dies at once.
#[repr(C, align(64))]
pub struct Empty([u8; CACHE_SIZE + 2 * WINDOW]);

/// What every thread's TLS word points into until it has a cache.
pub static EMPTY: Empty = Empty([0; CACHE_SIZE + 2 * WINDOW]);
