//! Heap profiles: which call sites hold and allocate a program's memory.
//!
//! [`read`] makes a [`Profile`] of a file's bytes: stacks as addresses, and where each file was mapped. [`Names`] turns the
//! addresses into functions and lines, which gives a [`Report`]. A report can be compared with another one, grouped into rows
//! ([`group`]) and written for other programs ([`write`]). Nothing here prints, and no input makes it panic.

#![allow(clippy::disallowed_methods, reason = "that list is for what can be reached from malloc")]

mod counts;
mod figure;
pub mod group;
mod hexadecimal;
mod mapping;
mod model;
mod names;
mod read;
mod report;
mod trim;
pub mod write;

pub use counts::Counts;
pub use figure::Figure;
pub use hexadecimal::hexadecimal;
pub use mapping::Mapping;
pub use model::{Profile, Stack};
pub use names::{Names, PerfMap, Places, ProblemWithMap};
pub use read::{Problem, read};
pub use report::{Frame, Location, NamedStack, Report};
