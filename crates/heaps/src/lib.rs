//! The heaps, a folder each, made of the blocks.
//!
//! [`fast`] is the default; [`system`] passes every call on to the next malloc, and at most counts.

#![no_std]

#[cfg(test)]
extern crate std;

pub mod fast;
pub mod system;

pub use fast::FastHeap;
pub use system::SystemHeap;
pub use xalloc_blocks::huge_pages;
