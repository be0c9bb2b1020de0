//! What a heap holds, for the policies that decide how much of it stays.

/// Bytes in slabs, runs and huge blocks.
pub struct Held {
    /// Bytes in use.
    pub live: usize,
    /// Bytes that are free, and may be resident.
    pub free: usize,
    /// Bytes in use in huge blocks.
    pub huge: usize,
}
