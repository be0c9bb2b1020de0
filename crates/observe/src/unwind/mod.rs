//! The calling thread's stack, as return addresses.
