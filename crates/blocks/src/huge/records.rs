//! The mappings' records, and lists of them. A record is for ever, and its lock is that of the huge blocks.

use super::mapping::Mapping;
use crate::locked::Guarded;
use crate::metadata::Metadata;
use crate::page_map::{self, Kind};

/// The kind of a huge block's first slice in the page map.
pub const KIND: Kind = Kind::ownerless(3);

/// The record of a mapping. Aligned as the page map demands it.
#[repr(align(64))]
pub struct Record {
    guarded: Guarded<ListEntry, Records>,
    /// The next record of all.
    older: Option<&'static Record>,
}

/// A mapping, and the next record of the list that it is in.
struct ListEntry {
    mapping: Mapping,
    next: Option<&'static Record>,
}

impl Record {
    /// Returns the record of the huge block that has this entry in the page map.
    pub fn of(entry: page_map::Entry) -> &'static Self {
        assert!(entry.kind() == KIND, "the entry is a huge block's");
        // SAFETY: the record of an entry of this kind is one of these, and records live as long as the process.
        unsafe { &*entry.record().cast() }
    }

    /// Returns its entry in the page map.
    pub fn entry(&'static self) -> page_map::Entry {
        // SAFETY: the kind is that of these records, which live as long as the process.
        unsafe { page_map::Entry::ownerless(KIND, core::ptr::from_ref(self).cast_mut().cast()) }
    }
}

/// All records.
pub struct Records {
    newest: Option<&'static Record>,
}

impl Records {
    /// Returns no records.
    pub const fn new() -> Self {
        Self { newest: None }
    }

    /// Returns all records, the newest first, those without a mapping included.
    pub fn all(&self) -> impl Iterator<Item = &'static Record> + use<> {
        core::iter::successors(self.newest, |record| record.older)
    }

    /// Adds a record that has no mapping, and returns it. `None` if there is no memory.
    pub fn add(&mut self, metadata: &Metadata) -> Option<&'static Record> {
        let record = metadata.allocate(size_of::<Record>())?.cast::<Record>();
        // SAFETY: zeros of the right size and alignment, for ever, and nobody else's; zeros are valid in every field.
        let record = unsafe {
            (*record).older = self.newest;
            &*record
        };
        self.newest = Some(record);
        Some(record)
    }

    /// Returns all mappings; those of records that have none are 0 bytes long.
    pub fn mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.all().map(|record| self.mapping(record))
    }

    /// Returns the mapping of a record.
    pub fn mapping(&self, record: &'static Record) -> &Mapping {
        &self.entry(record).mapping
    }

    /// Returns the mapping of a record, to be changed.
    pub fn mapping_mut(&mut self, record: &'static Record) -> &mut Mapping {
        &mut self.entry_mut(record).mapping
    }

    fn entry(&self, record: &'static Record) -> &ListEntry {
        // SAFETY: a record stays with the huge blocks that it was made for, whose records are the key.
        unsafe { record.guarded.get(self) }
    }

    fn entry_mut(&mut self, record: &'static Record) -> &mut ListEntry {
        // SAFETY: as above.
        unsafe { record.guarded.get_mut(self) }
    }
}

/// A list of records, each in one list at most: the one added last comes first.
pub struct List(Option<&'static Record>);

impl List {
    /// Returns an empty list.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Returns the records.
    pub fn iter(&self, records: &Records) -> impl Iterator<Item = &'static Record> {
        core::iter::successors(self.0, |record| records.entry(record).next)
    }

    /// Adds a record that is in no list.
    pub fn push(&mut self, record: &'static Record, records: &mut Records) {
        records.entry_mut(record).next = self.0.replace(record);
    }

    /// Takes the first record out, and returns it.
    pub fn pop(&mut self, records: &Records) -> Option<&'static Record> {
        let first = self.0?;
        self.0 = records.entry(first).next;
        Some(first)
    }

    /// Takes a record out.
    pub fn remove(&mut self, record: &'static Record, records: &mut Records) {
        let next = records.entry(record).next;
        let is_before = |next: Option<&'static Record>| next.is_some_and(|next| core::ptr::eq(next, record));
        let before = self.iter(records).find(|other| is_before(records.entry(other).next));
        match before {
            Some(before) => records.entry_mut(before).next = next,
            None => self.0 = next,
        }
    }
}
