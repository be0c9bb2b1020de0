//! The program of `xalloc check`: `xalloc-check list`, and `xalloc-check run PROMISE`. It is written in C and C++, see
//! `promises/`: what it finds out is what those languages promise, and Rust's start-up would allocate before it.

#![no_main]
