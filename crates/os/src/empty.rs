//! The constant block of zeros that serves as the cache of every thread that has none.

/// The size of the largest cache a heap may keep behind the TLS word, in bytes.
pub const CACHE_SIZE: usize = 4096;

/// The distance between two windows into [`EMPTY`], in bytes. A window's number says why the thread has no cache.
pub const WINDOW: usize = 64;

/// The type of [`EMPTY`]. It is in read-only memory, so that a hit path that wrote to it by mistake would end the process at
/// once.
#[repr(C, align(64))]
pub struct Empty([u8; CACHE_SIZE + 2 * WINDOW]);

/// The zeros that every thread's TLS word points into until the thread has a cache.
pub static EMPTY: Empty = Empty([0; CACHE_SIZE + 2 * WINDOW]);
