//! What a program does with its memory, for who wants to see it: counters by thread and size class, in a segment that other
//! processes can read.
//!
//! It knows the contract of heaps and no heap, and nothing of symbols: names are the command's. From the bottom up:
//!
//! * [`classes`], [`layout`]: what stands in the segment.
//! * [`reader`]: reading one, of which nothing is trusted.
//! * `segment`: writing one.
//! * `thread`: the page of an observed thread, to which its TLS word points: to empty bins, so that all of its calls miss.
//! * `observer`: which threads are observed; fork.
//! * [`Observed`]: a heap whose calls are counted.

#![no_std]

#[cfg(test)]
extern crate std;

pub mod classes;
pub mod layout;
mod observed;
mod observer;
pub mod reader;
mod segment;
mod thread;

pub use observed::Observed;

/// What is observed: bits of the word by which a process is told.
pub mod wanted {
    /// Counters by thread and size class.
    pub const COUNTERS: u32 = 1;
}
