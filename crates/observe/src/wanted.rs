//! What is to be observed in a process that has no segment yet.

use crate::layout::SAMPLE;
use core::sync::atomic::{AtomicU32, AtomicU64};

/// Counters by thread and size class.
pub const COUNTERS: u32 = 1;
/// A heap profile: samples of what is allocated, with their call stacks.
pub const PROFILE: u32 = 2;

/// What the process is told: by its configuration before the first allocation, or by the command at any time, which finds it by
/// the name `xalloc_wanted`. Once there is a segment, that says it.
#[repr(C)]
pub struct Wanted {
    /// [`COUNTERS`], [`PROFILE`].
    pub what: AtomicU32,
    reserved: u32,
    /// How many bytes are between two samples, on average. Read after `what`.
    pub sample: AtomicU64,
}

impl Wanted {
    /// Returns that nothing is to be observed.
    pub const fn nothing() -> Self {
        Self { what: AtomicU32::new(0), reserved: 0, sample: AtomicU64::new(SAMPLE) }
    }
}
