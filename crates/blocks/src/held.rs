//! What a heap holds, for the policies that decide how much of it stays.

/// Bytes in slabs, runs and huge blocks.
pub struct Held {
    /// In use.
    pub live: usize,
    /// Free, and maybe resident.
    pub free: usize,
    /// In use in huge blocks.
    pub huge: usize,
}
