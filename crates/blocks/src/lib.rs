//! What heaps are made of: one idea a module, each usable and tested alone.
//!
//! A block owns its state, keeps its fields private, and returns what has to be done next: it calls no heap. It knows nothing of
//! symbols, errno or start-up.
//!
//! From the bottom up: [`page_map`], [`size_class`], [`free_list`], [`metadata`], [`slab`], [`source`], [`arena`], [`runs`], [`huge`];
//! [`partial_list`], [`slab_set`], [`bin`], [`thread_cache`], [`batch`], [`remote_cache`], [`remote`]; [`access`], [`ownership`] and [`changing`] (with
//! [`remote`], the lock-free protocols); [`surplus`], [`footprint`] and [`purge_schedule`] (the policies).

#![no_std]

#[cfg(test)]
extern crate std;

pub mod access;
pub mod arena;
pub mod back_end;
pub mod batch;
pub mod bin;
pub mod central_list;
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
pub mod source;
pub mod surplus;
pub mod sync;
pub mod tally;
pub mod thread_cache;
pub mod thread_heap;
mod watch;
