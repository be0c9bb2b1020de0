//! A profile as it was recorded: addresses and counts.

use crate::{Counts, Mapping};

/// A heap profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// How many bytes are allocated on average from one sample to the next; 0 if every allocation was counted.
    pub interval: u64,
    /// The stacks, with what was counted: samples, if there is an interval.
    pub stacks: Vec<Stack>,
    /// What was mapped when the profile was written, by address.
    pub mappings: Vec<Mapping>,
}

/// A stack, and what was allocated there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stack {
    /// The return addresses, that of the function that called the allocator first; or of functions of the allocator itself.
    pub addresses: Vec<u64>,
    /// What was counted.
    pub counts: Counts,
}

impl Profile {
    /// Returns the number of the mapping that an address is in.
    pub fn mapping_of(&self, address: u64) -> Option<usize> {
        let behind = self.mappings.partition_point(|mapping| mapping.start <= address);
        let last = behind.checked_sub(1)?;
        (address < self.mappings[last].end).then_some(last)
    }
}
