//! A source of memory that is a file in memory, which every process maps at the same address: so pointers into it mean the same
//! in each of them.

use anyhow::{Context, ensure};
use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};
use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use std::os::fd::{AsFd, OwnedFd};
use xalloc_blocks::arena::CHUNK;
use xalloc_blocks::source::{Committed, Source};

/// Where the file is mapped: a multiple of [`CHUNK`] at which Linux maps nothing of its own.
const START: usize = 0x20_0000_0000;
/// How long the file is. It takes memory only where something was written.
const SIZE: usize = 8 * CHUNK;

/// The file, mapped.
pub struct SharedFile {
    file: OwnedFd,
    /// How many bytes are reserved, from the start on.
    reserved: AtomicUsize,
}

impl SharedFile {
    /// Makes the file.
    pub fn create() -> anyhow::Result<Self> {
        let file = memfd_create("shared-arena", MemfdFlags::CLOEXEC).context("cannot make a file in memory")?;
        ftruncate(&file, SIZE as u64).context("cannot make the file as long as it should be")?;
        Self::map(file)
    }

    /// Maps the file that another process has made.
    pub fn map(file: OwnedFd) -> anyhow::Result<Self> {
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED | MapFlags::FIXED_NOREPLACE);
        // SAFETY: nothing that is mapped already is replaced.
        let start = unsafe { mmap(START as *mut c_void, SIZE, protection, flags, &file, 0) };
        let start = start.with_context(|| format!("cannot map the file at {START:#x}"))?;
        ensure!(start.addr() == START, "the file is mapped at {start:p}, not at {START:#x}");
        Ok(Self { file, reserved: AtomicUsize::new(0) })
    }

    /// Returns the file.
    pub fn file(&self) -> impl AsFd {
        &self.file
    }

    /// Returns whether an address is one of the file.
    pub fn contains(&self, address: usize) -> bool {
        (START..START + SIZE).contains(&address)
    }
}

// SAFETY: the file stays mapped while there is a `'static` reference to it, begins as zeros, and no part of it is reserved
// twice.
unsafe impl Source for &'static SharedFile {
    const ALIGN: usize = CHUNK;

    fn reserve(self, size: usize) -> Option<usize> {
        let more = |reserved: usize| Some(reserved + size).filter(|&end| end <= SIZE);
        // Relaxed, twice: a count.
        let before = self.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        before.ok().map(|offset| START + offset)
    }

    /// All of it is mapped.
    unsafe fn commit(self, _address: usize, _size: usize) -> Committed {
        Committed::Yes
    }

    fn map_again(self, _address: usize, _size: usize) -> bool {
        true
    }

    /// The addresses stay the file's: others may have mapped it.
    unsafe fn unmap(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is a part of the file, and not used.
        unsafe { self.purge(address, size) }
    }

    /// Makes a hole in the file, for all who have mapped it.
    unsafe fn purge(self, address: usize, size: usize) -> bool {
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&self.file, hole, (address - START) as u64, size as u64).is_ok()
    }
}
