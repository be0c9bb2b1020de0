//! Kinds of memory.

/// The kind of memory at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing is mapped there.
    Unmapped,
    /// A stack that the kernel knows as one: on Linux the main thread's.
    Stack,
    /// Memory that a file backs: a program's or library's code or data.
    File,
    /// The `brk` heap, which glibc's malloc uses.
    Break,
    /// Memory from an anonymous `mmap`: other threads' stacks, other allocators' heaps.
    Anonymous,
    /// The kernel does not say.
    Unknown,
}
