//! The descriptor of the segment, among those of the program: which may close it, and open another file with its number.

use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use xalloc_os::syscall;

/// The descriptor, and the file for which it was opened. Used under the observer's lock.
pub struct OwnFile {
    descriptor: AtomicI32,
    device: AtomicU64,
    file: AtomicU64,
}

impl OwnFile {
    /// Returns none.
    pub const fn new() -> Self {
        Self { descriptor: AtomicI32::new(-1), device: AtomicU64::new(0), file: AtomicU64::new(0) }
    }

    /// Makes this the descriptor.
    pub fn set(&self, descriptor: i32) {
        let (device, file) = syscall::identity(descriptor).unwrap_or_default();
        // Relaxed, all, here and below: under the lock.
        self.descriptor.store(descriptor, Ordering::Relaxed);
        self.device.store(device, Ordering::Relaxed);
        self.file.store(file, Ordering::Relaxed);
    }

    /// Closes the descriptor, if it is still open for the same file.
    pub fn close(&self) {
        let descriptor = self.descriptor.load(Ordering::Relaxed);
        let file = (self.device.load(Ordering::Relaxed), self.file.load(Ordering::Relaxed));
        if syscall::identity(descriptor) == Some(file) {
            syscall::close(descriptor);
        }
    }
}
