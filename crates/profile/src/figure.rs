//! The number by which call sites are judged.

use crate::Counts;

/// One of a profile's four numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Bytes that are live.
    LiveBytes,
    /// Objects that are live.
    LiveObjects,
    /// Bytes that were allocated, freed or not.
    AllocatedBytes,
    /// Objects that were allocated, freed or not.
    AllocatedObjects,
}

impl Figure {
    /// Returns this number of `counts`.
    pub fn of(self, counts: Counts) -> i64 {
        match self {
            Self::LiveBytes => counts.live_bytes,
            Self::LiveObjects => counts.live_objects,
            Self::AllocatedBytes => counts.allocated_bytes,
            Self::AllocatedObjects => counts.allocated_objects,
        }
    }

    /// Returns what is counted, such as `live bytes`.
    pub fn name(self) -> &'static str {
        match self {
            Self::LiveBytes => "live bytes",
            Self::LiveObjects => "live objects",
            Self::AllocatedBytes => "allocated bytes",
            Self::AllocatedObjects => "allocated objects",
        }
    }

    /// Returns whether bytes are counted, not objects.
    pub fn is_bytes(self) -> bool {
        matches!(self, Self::LiveBytes | Self::AllocatedBytes)
    }

    /// Returns whether it counts what was allocated since the start, which not every profiler does.
    pub fn is_accumulated(self) -> bool {
        matches!(self, Self::AllocatedBytes | Self::AllocatedObjects)
    }
}
