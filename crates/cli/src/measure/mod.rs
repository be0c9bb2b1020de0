//! Running programs and measuring them: what `bench` and `compare` share.

pub mod counters;
pub mod interrupt;
pub mod machine;
pub mod process;
pub mod statistics;
pub mod trace;
