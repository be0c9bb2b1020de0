//! The contract between a heap and what serves a program with it: the trait [`Heap`], what a heap holds ([`Stats`]), and what a
//! program does wrong ([`Misuse`]).
//!
//! Both sides depend on this crate, and not on each other: so a heap can be read, tested and replaced without knowing how programs
//! reach it. It has no code of its own but defaults.

#![no_std]

mod heap;
mod misuse;
mod stats;

pub use heap::{Heap, Inspected, realloc_by_copy};
pub use misuse::{Call, Incident, Misuse, Refusal, Report};
pub use stats::{Calls, Stats};
