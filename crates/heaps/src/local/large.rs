//! Blocks of a local heap that have no size class: a mapping each.

use super::pool::Pool;
use super::shared::shared;
use core::ptr::null_mut;
use xalloc_blocks::page_map::{self, Entry, Kind, SLICE};
use xalloc_blocks::single_writer::Pointer;
use xalloc_heap::{Misuse, Refusal};
use xalloc_os::pages::{self, Aligned};

/// The kind of their first slice in the page map.
const KIND: Kind = Kind::owned(3);

/// The large blocks of one heap.
pub struct Large {
    /// The newest one.
    first: Pointer<Record>,
}

#[repr(align(64))]
struct Record {
    mapping: Aligned,
    size: usize,
    next: *mut Record,
    previous: *mut Record,
}

impl Large {
    /// Returns a heap's large blocks when it has none.
    pub const fn new() -> Self {
        Self { first: Pointer::null() }
    }

    /// Returns a block of at least `size` bytes aligned to `align`, of zeros; null if there is no memory.
    pub fn allocate(&self, size: usize, align: usize) -> *mut u8 {
        let size = pages::round_up(size.max(1), pages::page_size());
        let map = || pages::map_aligned(size, align.max(SLICE));
        let Some(mapping) = shared().reclaiming(map) else { return null_mut() };
        let record = if page_map::cover(mapping.start, SLICE) { Pool::<Record>::take() } else { None };
        let Some(record) = record else {
            unmap(&mapping);
            return null_mut();
        };
        let next = self.first.get();
        // SAFETY: the records are this heap's, which one thread uses.
        unsafe {
            record.write(Record { mapping, size, next, previous: null_mut() });
            if let Some(next) = next.as_mut() {
                next.previous = record;
            }
        }
        self.first.set(record);
        let owner = core::ptr::from_ref(self) as usize;
        // SAFETY: covered above; the mapping is this block's, and the owner of its kind is the address of the heap's large
        // blocks.
        unsafe { page_map::set(mapping.start, SLICE, Entry::owned(KIND, record.cast(), owner)) };
        mapping.start as *mut u8
    }

    /// Takes back the block at `address`.
    ///
    /// # Errors
    /// What there is at the address.
    pub fn free(&self, address: usize) -> Result<(), Refusal> {
        let record = self.find(address)?;
        self.remove(record);
        Ok(())
    }

    /// Returns the size of the block at `address`.
    ///
    /// # Errors
    /// What there is at the address.
    pub fn size_at(&self, address: usize) -> Result<usize, Refusal> {
        // SAFETY: a record of this heap's.
        self.find(address).map(|record| unsafe { (*record).size })
    }

    /// Takes all blocks back.
    pub fn free_all(&self) {
        while !self.first.get().is_null() {
            self.remove(self.first.get());
        }
    }

    fn find(&self, address: usize) -> Result<*mut Record, Refusal> {
        let entry = page_map::entry(address);
        if entry.kind() != KIND || entry.owner() != core::ptr::from_ref(self) as usize {
            return Err(self.refusal_at(address));
        }
        let record = entry.record().cast::<Record>();
        // SAFETY: the record of a block of this heap's, which one thread uses.
        if unsafe { (*record).mapping.start } == address { Ok(record) } else { Err(self.refusal_at(address)) }
    }

    /// Returns what an address is where no large block starts. Only the first slice of one is in the page map.
    #[cold]
    fn refusal_at(&self, address: usize) -> Refusal {
        let mut record = self.first.get();
        // SAFETY: the records are this heap's, which one thread uses.
        while let Some(Record { mapping, size, next, .. }) = unsafe { record.as_ref() } {
            let offset = address.wrapping_sub(mapping.start);
            if offset < *size {
                return Misuse::Interior { offset, size: *size }.into();
            }
            record = *next;
        }
        shared().refusal_at(address)
    }

    fn remove(&self, record: *mut Record) {
        // SAFETY: the records are this heap's, which one thread uses; this one is in its list.
        unsafe {
            let Record { mapping, next, previous, .. } = record.read();
            match previous.as_mut() {
                Some(previous) => previous.next = next,
                None => self.first.set(next),
            }
            if let Some(next) = next.as_mut() {
                next.previous = previous;
            }
            page_map::set(mapping.start, SLICE, Entry::NONE);
            Pool::give(record);
            unmap(&mapping);
        }
    }
}

/// Unmaps what nobody uses. If the kernel keeps it, only address space is lost.
fn unmap(mapping: &Aligned) {
    // SAFETY: a whole mapping of this file's, of which no block is in use.
    let _ = unsafe { pages::unmap(mapping.base, mapping.length) };
}
