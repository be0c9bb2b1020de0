//! Runs programs and measures them: shared by `bench`, `compare` and `doctor --run`.

pub mod counters;
pub mod foreground;
pub mod interrupt;
pub mod machine;
pub mod process;
pub mod progress;
pub mod significance;
pub mod statistics;
pub mod status;
pub mod trace;
pub mod tree;
