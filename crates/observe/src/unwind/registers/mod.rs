//! The registers of the calling function, read by a few instructions for each processor.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub use aarch64::{strip, with_registers};
#[cfg(target_arch = "x86_64")]
pub use x86_64::{strip, with_registers};
