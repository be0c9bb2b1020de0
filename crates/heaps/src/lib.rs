//! The heaps, a folder each, made of the blocks.
//!
//! [`fast`] is the default; [`scalable`] makes a heap of a table of size classes, [`pow2`] is one of them; [`system`] passes
//! every call on to the next malloc, and at most counts.

#![no_std]

#[cfg(test)]
extern crate std;

#[cfg(test)]
mod exercise;
pub mod fast;
pub mod local;
pub mod pow2;
pub mod scalable;
pub mod system;

pub use fast::FastHeap;
pub use pow2::Pow2;
pub use system::SystemHeap;
pub use xalloc_blocks::huge_pages;
pub use xalloc_blocks::recycling::Recycling;
