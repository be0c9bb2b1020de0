//! What heaps are made of: one idea a module, each usable and tested alone.
//!
//! A block owns its state, keeps its fields private, and returns what has to be done next: it calls no heap. It knows nothing
//! of symbols, errno or start-up.
//!
//! From the bottom up:
//!
//! * [`single_writer`], [`sync`], [`locked`], [`lock_policy`], [`early`]: words and locks.
//! * [`page_map`], [`size_class`], [`free_list`], [`metadata`], [`slab`], [`source`], [`arena`] (with [`huge_pages`]),
//!   [`runs`], [`huge`]: memory.
//! * [`bin`], [`thread_cache`], [`partial_list`], [`slab_set`], [`batch`], [`remote_cache`]: what one thread has.
//! * [`remote`], [`changing`], [`access`], [`ownership`]: the lock-free protocols.
//! * [`registry`], [`thread_heap`], [`central_list`], [`returning`], [`search`], [`back_end`], [`small_or_large`]: what
//!   whole heaps are made of.
//! * [`held`], [`surplus`], [`footprint`], [`purge_schedule`], [`purge_scope`], [`recycling`]: the policies.
//! * [`fork_locks`], [`reporter`], [`tally`]: locks over a fork, reports, and counts for tests.

#![no_std]

#[cfg(test)]
extern crate std;

pub mod access;
pub mod arena;
pub mod back_end;
pub mod batch;
pub mod bin;
pub mod cached;
pub mod central_list;
pub mod chains;
pub mod changing;
pub mod early;
pub mod footprint;
pub mod fork_locks;
pub mod free_list;
pub mod held;
pub mod huge;
pub mod huge_pages;
pub mod lock_policy;
pub mod locked;
pub mod metadata;
pub mod ownership;
pub mod page_map;
pub mod partial_list;
pub mod purge_schedule;
pub mod purge_scope;
pub mod recycling;
pub mod registry;
pub mod remote;
pub mod remote_cache;
pub mod reporter;
pub mod returning;
pub mod runs;
pub mod search;
pub mod single_writer;
pub mod size_class;
pub mod slab;
pub mod slab_set;
pub mod small_or_large;
pub mod source;
pub mod surplus;
pub mod sync;
pub mod tally;
pub mod thread_cache;
pub mod thread_heap;
mod watch;
