//! A process that is observed: what its segment says, from outside. The commands that show what a program does with its memory
//! stand on this.
//!
//! * [`process`]: the process, as the kernel knows it.
//! * [`segment`]: its segment, mapped.
//! * [`word`]: the library's word in the process, for one that was started with nothing observed.
//! * [`switch`]: observation, switched on and off.
//! * [`start`]: a program that is started to be observed.
//! * [`snapshot`]: everything that was counted, as plain values; [`counts`]: what one counter knows.
//! * [`mark`]: the counts that a user stored, to see what changes from then on.

pub mod counts;
pub mod mark;
pub mod process;
pub mod segment;
pub mod snapshot;
pub mod start;
pub mod switch;
mod word;
