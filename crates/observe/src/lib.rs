//! What a program does with its memory, for who wants to see it: counters by thread and size class, and samples with their call
//! stacks, in a segment that other processes can read.
//!
//! It knows the contract of heaps and no heap, and nothing of symbols: names are the command's. From the bottom up:
//!
//! * [`classes`], [`layout`]: what stands in the segment.
//! * [`reader`]: reading one, of which nothing is trusted.
//! * [`unwind`]: the calling thread's call stack.
//! * `segment`: writing one.
//! * `sampler`, `stacks`, `samples`, `profile`: which allocation is a sample, call stacks and what is allocated there, samples that
//!   are in use, all of it together.
//! * `thread`: the page of an observed thread, to which its TLS word points: to empty bins, so that all of its calls miss.
//! * `observer`: which threads are observed; fork.
//! * [`Observed`]: a heap whose calls are counted.

#![no_std]

#[cfg(test)]
extern crate std;

pub mod classes;
mod heap_v2;
pub mod layout;
mod observed;
mod observer;
mod profile;
pub mod reader;
mod sampler;
mod samples;
mod segment;
mod stacks;
mod sync;
mod thread;
pub mod unwind;
mod wanted;

pub use observed::Observed;
pub use wanted::{COUNTERS, PROFILE, Wanted};
