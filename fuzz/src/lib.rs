//! What the fuzz targets share: a shadow of the blocks that live, the harness for heaps, and slabs to try the blocks of crate
//! `xalloc-blocks` on.
//!
//! Most of what is tried lives as long as the process, as it does in a program. So a target takes everything back at the end of
//! its input, and checks that nothing is left: the next input begins with what is free, not with nothing.

pub mod heap;
mod ops;
mod purge;
pub mod shadow;
pub mod slabs;
mod worker;

pub use ops::Size;
pub use purge::Ages;
