//! Linux: frames by call frame information.

mod cache;
pub mod cfi;
mod finder;
mod known;
mod machine;
mod modules;
mod object;
mod pair;
mod sequence;
mod signal;
mod stack;
pub mod step;
pub mod walk;

pub use cache::invalidate;
pub use finder::{code_around, set_finder, use_loader};
pub use modules::{MODULES, Modules};
pub use object::FindObject;
