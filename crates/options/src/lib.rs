//! The options of `XALLOC_CONF`, declared once, and the parser of their grammar.
//!
//! The grammar is jemalloc's, `name:value,name:value`; in a file, a newline ends an option too and `#` starts a comment. The
//! library obeys these options, the command prints them as help, and the documentation is checked against them. So this crate
//! knows none of these, allocates nothing and reads nothing.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod nearest;
mod parse;
mod path;
mod setting;
mod table;

pub use nearest::nearest;
pub use parse::{Problem, Value, parse};
pub use path::{PATH_MAX, Part, parts};
pub use setting::{Kind, Setting, words};
pub use table::OPTIONS;
