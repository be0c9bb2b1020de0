//! Heaps: the contract ([`Heap`]), the parts they are made of (one idea per module), and the heaps.
//!
//! Why it exists: so that a heap can be read, tested and replaced without knowing how programs reach it. It knows nothing
//! of symbols, errno, `new_handler` or start-up: those are the redirect layer's.
//!
//! From the bottom up: [`size_class`], [`page_map`], [`metadata`], [`arena`], [`slab`], [`remote`], [`access`] and [`ownership`]
//! (the lock-free protocols), [`runs`], [`huge`]; then [`fast`] made of all of them, and [`system`], which
//! passes through and at most counts.

#![no_std]

#[cfg(test)]
extern crate std;

pub mod access;
pub mod arena;
mod counters;
pub mod fast;
mod fork_locks;
pub mod free_list;
mod global;
mod heap;
pub mod huge;
pub mod huge_pages;
pub mod locked;
pub mod metadata;
pub mod misuse;
pub mod ownership;
pub mod page_map;
pub mod remote;
pub mod runs;
pub mod single_writer;
pub mod size_class;
pub mod slab;
mod sync;
pub mod system;
mod watch;

pub use counters::Calls;
pub use fast::FastHeap;
pub use global::Xalloc;
pub use heap::{Heap, Stats};
pub use system::SystemHeap;
