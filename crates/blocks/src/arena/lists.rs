//! The chunks' records by what can be had of them. A record is for ever, and in the list of its standing.

use super::chunk::Chunk;
use core::ptr::null_mut;

/// What can be had of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: all that is mapped of it is in slabs.
    Full,
    /// Some slices.
    Partial,
    /// All of it: no slab is in it, though its end may be unmapped.
    Whole,
    /// Its addresses, if nothing else was mapped there since it was unmapped.
    Unmapped,
    /// The record, which has no chunk.
    Vacant,
}

impl Standing {
    /// Returns the standing of a chunk.
    pub fn of(chunk: &Chunk) -> Self {
        match (chunk.free, chunk.unmapped) {
            _ if chunk.base == 0 => Self::Vacant,
            (_, u64::MAX) => Self::Unmapped,
            (0, _) => Self::Full,
            (free, unmapped) if free | unmapped == u64::MAX => Self::Whole,
            _ => Self::Partial,
        }
    }
}

/// A list of chunks for each [`Standing`]: its first chunk and its last one, or null.
pub struct Lists([(*mut Chunk, *mut Chunk); 5]);

impl Lists {
    pub const fn new() -> Self {
        Self([(null_mut(), null_mut()); 5])
    }

    /// Returns the first chunk of a list, or null. The next one is its `next`.
    pub fn first(&self, standing: Standing) -> *mut Chunk {
        self.0[standing as usize].0
    }

    /// Adds a chunk to the list of its standing, in front.
    ///
    /// # Safety
    /// The record is the arena's, whose lock is held, and is in no list.
    pub unsafe fn push(&mut self, chunk: *mut Chunk) {
        // SAFETY: records are for ever, and those of a list are the arena's, whose lock is held.
        unsafe {
            let (first, last) = &mut self.0[Standing::of(&*chunk) as usize];
            (*chunk).next = *first;
            (*chunk).previous = null_mut();
            if first.is_null() {
                *last = chunk;
            } else {
                (**first).previous = chunk;
            }
            *first = chunk;
        }
    }

    /// Moves a chunk to the end of the list of its standing: what is searched before is better.
    ///
    /// # Safety
    /// The record is the arena's, whose lock is held, and is in that list.
    pub unsafe fn move_to_end(&mut self, chunk: *mut Chunk) {
        // SAFETY: as in `push`.
        unsafe {
            let standing = Standing::of(&*chunk);
            self.remove(chunk, standing);
            let (first, last) = &mut self.0[standing as usize];
            (*chunk).next = null_mut();
            (*chunk).previous = *last;
            if last.is_null() {
                *first = chunk;
            } else {
                (**last).next = chunk;
            }
            *last = chunk;
        }
    }

    /// Takes a chunk out of the list of `standing`.
    ///
    /// # Safety
    /// As for [`Lists::move_to_end`].
    pub unsafe fn remove(&mut self, chunk: *mut Chunk, standing: Standing) {
        let (first, last) = &mut self.0[standing as usize];
        // SAFETY: the neighbours are in the same list, whose records are the arena's.
        unsafe {
            let (next, previous) = ((*chunk).next, (*chunk).previous);
            if previous.is_null() {
                *first = next;
            } else {
                (*previous).next = next;
            }
            if next.is_null() {
                *last = previous;
            } else {
                (*next).previous = previous;
            }
        }
    }
}
