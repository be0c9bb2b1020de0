//! What a program does with its memory, for who wants to see it: call stacks.
//!
//! It knows the contract of heaps and no heap, and nothing of symbols: names are the command's.

#![no_std]

#[cfg(test)]
extern crate std;

#[cfg(target_os = "linux")]
mod sync;
pub mod unwind;
