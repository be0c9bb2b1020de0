//! What a program does with its memory, for who wants to see it: counters by thread and size class, and samples with their call
//! stacks, in a segment that other processes can read.
//!
//! Linux only, but for the stacks: other systems have no file in memory without a name.
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
#[cfg(target_os = "linux")]
mod heap_v2;
pub mod layout;
#[cfg(target_os = "linux")]
mod observed;
#[cfg(target_os = "linux")]
mod observer;
#[cfg(target_os = "linux")]
mod own_file;
#[cfg(target_os = "linux")]
mod profile;
pub mod reader;
#[cfg(target_os = "linux")]
mod sampler;
#[cfg(target_os = "linux")]
mod samples;
#[cfg(target_os = "linux")]
mod segment;
#[cfg(target_os = "linux")]
mod stacks;
#[cfg(target_os = "linux")]
mod sync;
#[cfg(target_os = "linux")]
mod thread;
pub mod unwind;
#[cfg(target_os = "linux")]
mod wanted;

#[cfg(target_os = "linux")]
pub use observed::Observed;
#[cfg(target_os = "linux")]
pub use wanted::{COUNTERS, PROFILE, Wanted};
