//! The samples that are in use: a table by address. A filter before it tells nearly every other block that it is none.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use xalloc_os::pages;

/// A sample that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its call stack.
    pub stack: usize,
    /// Its usable size in bytes.
    pub size: usize,
}

/// The most samples that are in use at a time. What comes beyond is counted as allocated and not as freed.
const MOST: usize = 1 << 18;
/// How many entries are looked at, at the most.
const PROBES: usize = 256;
/// How many counters the filter has.
const FILTER: usize = 1 << 16;

/// An entry of the table: zeros are an empty one.
struct Entry {
    address: AtomicU64,
    stack: AtomicU64,
    size: AtomicU64,
}

struct Table {
    /// How many samples are in use of the addresses with the same hash; no more is counted beyond 255.
    filter: [AtomicU8; FILTER],
    entries: [Entry; MOST],
}

/// The table.
pub struct Samples(AtomicUsize);

/// An entry that had a sample, and may be used again.
const REMOVED: u64 = 1;

impl Samples {
    /// Returns a table without memory.
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Takes memory, if it has none. Returns false if the kernel refuses.
    pub fn prepare(&self) -> bool {
        // Relaxed: under the lock of the profile.
        if self.0.load(Ordering::Relaxed) != 0 {
            return true;
        }
        let Some(memory) = pages::map(size_of::<Table>()) else { return false };
        // Release: who sees it sees zeros.
        self.0.store(memory, Ordering::Release);
        true
    }

    fn table(&self) -> Option<&Table> {
        // Acquire: see `prepare`.
        let table = NonNull::new(self.0.load(Ordering::Acquire) as *mut Table)?;
        // SAFETY: memory of this size, zeros at first, which is never unmapped; all words are atomic.
        Some(unsafe { table.as_ref() })
    }

    /// Returns whether the block may be a sample. Any thread may ask, at any time: its own block does not become one meanwhile.
    #[inline]
    pub fn may_have(&self, address: usize) -> bool {
        // Relaxed: the sample was added by who handed the block over, or before that.
        self.table().is_some_and(|table| table.filter[hash(address) % FILTER].load(Ordering::Relaxed) != 0)
    }

    /// Adds a sample. Returns false if there is no room. Under the lock of the profile.
    pub fn add(&self, address: usize, sample: Sample) -> bool {
        let Some(table) = self.table() else { return false };
        // Relaxed, here and below: under the lock.
        let is_free = |entry: &&Entry| entry.address.load(Ordering::Relaxed) <= REMOVED;
        let Some(entry) = table.probe(address).find(is_free) else { return false };
        entry.stack.store(sample.stack as u64, Ordering::Relaxed);
        entry.size.store(sample.size as u64, Ordering::Relaxed);
        entry.address.store(address as u64, Ordering::Relaxed);
        let counter = &table.filter[hash(address) % FILTER];
        let count = counter.load(Ordering::Relaxed);
        counter.store(count.saturating_add(1), Ordering::Relaxed);
        true
    }

    /// Removes the sample at an address, and returns it; `None` if there is none. Under the lock of the profile.
    pub fn remove(&self, address: usize) -> Option<Sample> {
        let table = self.table()?;
        // Relaxed, here and below: under the lock.
        let word = |entry: &Entry| entry.address.load(Ordering::Relaxed);
        let entry =
            table.probe(address).take_while(|entry| word(entry) != 0).find(|entry| word(entry) == address as u64)?;
        entry.address.store(REMOVED, Ordering::Relaxed);
        let counter = &table.filter[hash(address) % FILTER];
        let count = counter.load(Ordering::Relaxed);
        // At 255 nobody knows how many there are.
        if count < u8::MAX {
            counter.store(count - 1, Ordering::Relaxed);
        }
        let [stack, size] = [&entry.stack, &entry.size].map(|word| word.load(Ordering::Relaxed) as usize);
        Some(Sample { stack, size })
    }

    /// Removes all samples, and returns each. Under the lock of the profile.
    pub fn drain(&self) -> impl Iterator<Item = Sample> {
        let table = self.table();
        if let Some(table) = table {
            table.filter.iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
        }
        table.into_iter().flat_map(|table| &table.entries).filter_map(|entry| {
            // Relaxed: under the lock. A write where nothing is would make memory of it.
            let address = entry.address.load(Ordering::Relaxed);
            if address != 0 {
                entry.address.store(0, Ordering::Relaxed);
            }
            let [stack, size] = [&entry.stack, &entry.size].map(|word| word.load(Ordering::Relaxed) as usize);
            (address > REMOVED).then_some(Sample { stack, size })
        })
    }
}

impl Table {
    fn probe(&self, address: usize) -> impl Iterator<Item = &Entry> {
        (0..PROBES).map(move |probe| &self.entries[(hash(address) + probe) % MOST])
    }
}

fn hash(address: usize) -> usize {
    ((address >> 4) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as usize >> 40
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_found_until_they_are_removed() {
        let samples = Samples::new();
        assert!(!samples.may_have(16) && !samples.add(16, Sample { stack: 0, size: 0 }));
        assert!(samples.prepare());
        let sample = |number: usize| Sample { stack: number, size: number * 16 };
        let address = |number: usize| 0x7f00_0000_0000 + number * 48;
        for round in 0..3 {
            for number in 0..50_000 {
                assert!(samples.add(address(number), sample(number + round)));
            }
            for number in (0..50_000).rev() {
                assert!(samples.may_have(address(number)));
                assert_eq!(samples.remove(address(number)), Some(sample(number + round)));
                assert_eq!(samples.remove(address(number)), None);
            }
        }
        assert!(samples.add(address(7), sample(7)) && samples.add(address(8), sample(8)));
        assert_eq!(samples.drain().count(), 2);
        assert!(!samples.may_have(address(7)) && samples.remove(address(7)).is_none());
    }
}
