//! Profiles as files for other programs.

mod firefox;
mod flame_graph;
mod folded;
mod json;
mod message;
mod pprof;
mod text;

pub use firefox::firefox;
pub use flame_graph::flame_graph;
pub use folded::folded;
pub use json::json;
pub use pprof::pprof;
pub use text::{gperftools, heap_v2};

#[cfg(test)]
mod tests;
