//! The chunks' records, in lists by what can be had of them. A record is for ever, and in the list of its standing.

use super::slices::Slices;
use crate::locked::Guarded;
use crate::metadata::Metadata;
use crate::page_map::{self, SLICE};
use crate::slab::Slab;

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
    /// Returns that of a chunk with these slices.
    fn of(slices: &Slices) -> Self {
        match (slices.free, slices.unmapped) {
            _ if slices.base == 0 => Self::Vacant,
            (_, u64::MAX) => Self::Unmapped,
            (0, _) => Self::Full,
            (free, unmapped) if free | unmapped == u64::MAX => Self::Whole,
            _ => Self::Partial,
        }
    }
}

/// The record of a chunk. Apart from each other, because the threads that own slabs use their records without the arena's lock.
#[repr(C, align(64))]
pub struct Chunk {
    /// What the arena's lock guards.
    entry: Guarded<ListEntry, Records>,
    /// The next chunk of all.
    older: Option<&'static Chunk>,
    /// The records, by the number of a slab's first slice.
    pub slabs: [Slab; 64],
}

impl Chunk {
    /// Returns the next chunk of all.
    pub fn older(&self) -> Option<&'static Self> {
        self.older
    }

    /// Returns the slabs in use; `slices` are those of this chunk.
    pub fn slabs_in_use(&self, slices: &Slices) -> impl Iterator<Item = &Slab> + use<'_> {
        // Where the chunk is not mapped, something else of ours may be.
        let (base, unused) = (slices.base, slices.free | slices.unmapped);
        let mut index = 0;
        core::iter::from_fn(move || {
            while index < 64 {
                let (slab, start) = (&self.slabs[index], base + index * SLICE);
                if unused & 1 << index == 0 && page_map::is_entered(start) {
                    index += slab.shape().slices.max(1) as usize;
                    return Some(slab);
                }
                index += 1;
            }
            None
        })
    }
}

/// A chunk's slices, and its neighbours in the list of its standing.
struct ListEntry {
    slices: Slices,
    next: Option<&'static Chunk>,
    previous: Option<&'static Chunk>,
}

/// The first chunk of a list and the last one.
#[derive(Clone, Copy)]
struct List {
    first: Option<&'static Chunk>,
    last: Option<&'static Chunk>,
}

/// All records of an arena, and a list for each [`Standing`].
pub struct Records {
    newest: Option<&'static Chunk>,
    lists: [List; 5],
}

impl Records {
    /// Returns no records.
    pub const fn new() -> Self {
        Self { newest: None, lists: [List { first: None, last: None }; 5] }
    }

    /// Returns the newest record. Those before it are its [`Chunk::older`], which never changes.
    pub fn newest(&self) -> Option<&'static Chunk> {
        self.newest
    }

    /// Returns all records, the newest first, those without a chunk included.
    pub fn all(&self) -> impl Iterator<Item = &'static Chunk> + use<> {
        core::iter::successors(self.newest, |chunk| chunk.older)
    }

    /// Returns all chunks, with their slices.
    pub fn chunks(&self) -> impl Iterator<Item = (&'static Chunk, &Slices)> {
        self.all().map(|chunk| (chunk, self.slices(chunk))).filter(|(_, slices)| slices.base != 0)
    }

    /// Returns the chunks of a list, with their slices.
    pub fn list(&self, standing: Standing) -> impl Iterator<Item = (&'static Chunk, &Slices)> {
        let chunks = core::iter::successors(self.first(standing), |chunk| self.entry(chunk).next);
        chunks.map(|chunk| (chunk, self.slices(chunk)))
    }

    /// Returns the first chunk of a list.
    pub fn first(&self, standing: Standing) -> Option<&'static Chunk> {
        self.lists[standing as usize].first
    }

    /// Returns the slices of a chunk.
    pub fn slices(&self, chunk: &'static Chunk) -> &Slices {
        &self.entry(chunk).slices
    }

    /// Adds a record that has no chunk, and returns it. `None` if there is no memory.
    pub fn add(&mut self, metadata: &Metadata) -> Option<&'static Chunk> {
        let record = metadata.allocate(size_of::<Chunk>())?.cast::<Chunk>();
        // SAFETY: zeros of the right size and alignment, for ever, and nobody else's; zeros are valid in every field.
        let chunk = unsafe {
            (*record).older = self.newest;
            &*record
        };
        self.newest = Some(chunk);
        self.entry_mut(chunk).slices.unmapped = u64::MAX;
        self.push(chunk);
        Some(chunk)
    }

    /// Changes a chunk's slices, and moves it to the list where it belongs then. Returns whether slices became free.
    pub fn change(&mut self, chunk: &'static Chunk, change: impl FnOnce(&mut Slices)) -> bool {
        let slices = &mut self.entry_mut(chunk).slices;
        let (free, before) = (slices.free, Standing::of(slices));
        change(slices);
        let (freed, after) = (slices.free & !free, Standing::of(slices));
        if before != after {
            self.remove(chunk, before);
            self.push(chunk);
        }
        freed != 0
    }

    /// Moves a chunk to the end of its list: what is searched before is better.
    pub fn move_to_end(&mut self, chunk: &'static Chunk) {
        let standing = Standing::of(self.slices(chunk));
        self.remove(chunk, standing);
        let list = &mut self.lists[standing as usize];
        let last = list.last.replace(chunk);
        match last {
            Some(last) => self.entry_mut(last).next = Some(chunk),
            None => list.first = Some(chunk),
        }
        let entry = self.entry_mut(chunk);
        (entry.next, entry.previous) = (None, last);
    }

    /// Adds a chunk to the list of its standing, in front.
    fn push(&mut self, chunk: &'static Chunk) {
        let standing = Standing::of(self.slices(chunk));
        let list = &mut self.lists[standing as usize];
        let first = list.first.replace(chunk);
        match first {
            Some(first) => self.entry_mut(first).previous = Some(chunk),
            None => list.last = Some(chunk),
        }
        let entry = self.entry_mut(chunk);
        (entry.next, entry.previous) = (first, None);
    }

    /// Takes a chunk out of the list of `standing`.
    fn remove(&mut self, chunk: &'static Chunk, standing: Standing) {
        let &ListEntry { next, previous, .. } = self.entry(chunk);
        match previous {
            Some(previous) => self.entry_mut(previous).next = next,
            None => self.lists[standing as usize].first = next,
        }
        match next {
            Some(next) => self.entry_mut(next).previous = previous,
            None => self.lists[standing as usize].last = previous,
        }
    }

    fn entry(&self, chunk: &'static Chunk) -> &ListEntry {
        // SAFETY: an arena's chunks are in no other one's records, which are the key.
        unsafe { chunk.entry.get(self) }
    }

    fn entry_mut(&mut self, chunk: &'static Chunk) -> &mut ListEntry {
        // SAFETY: as above.
        unsafe { chunk.entry.get_mut(self) }
    }
}
