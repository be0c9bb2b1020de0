//! Running programs and measuring them: what `bench`, `compare` and `doctor --run` share.

pub mod counters;
pub mod interrupt;
pub mod machine;
pub mod process;
pub mod progress;
pub mod significance;
pub mod statistics;
pub mod status;
pub mod trace;
pub mod tree;
