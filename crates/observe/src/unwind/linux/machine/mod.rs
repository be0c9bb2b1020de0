//! What the unwinder needs to know of the processor and of what Linux does on it.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub use aarch64::*;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;

/// Where the registers of interrupted code are, from the stack pointer on, when a signal handler has returned.
pub struct Interrupted {
    /// Of the stack pointer.
    pub stack_pointer: usize,
    /// Of the frame pointer.
    pub frame_pointer: usize,
    /// Of the register with the return address, where the processor has one.
    pub link: Option<usize>,
    /// Of the program counter.
    pub program_counter: usize,
}
