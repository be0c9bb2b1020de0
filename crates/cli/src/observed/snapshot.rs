//! Everything that was counted at one moment, as plain values.

use super::counts::Counts;
use super::mark::{self, Mark};
use std::mem::offset_of;
use std::sync::atomic::Ordering;
use xalloc_observe::COUNTERS;
use xalloc_observe::layout::{EXITED, FIRST, Header, OTHERS};
use xalloc_observe::reader::{self, View};

/// What a segment says.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The name of the program.
    pub program: String,
    /// The process, as it knows itself.
    pub process: u32,
    /// The process from which it was forked, if it goes on with what that one had counted.
    pub parent: Option<u32>,
    /// Whether everything was counted from the first allocation on, and so what is live is known.
    pub is_complete: bool,
    /// Whether calls are counted now.
    pub is_on: bool,
    /// How long ago it was observed first, in milliseconds.
    pub age: u64,
    /// How many threads could not be observed, because all places for them were taken.
    pub refused_threads: u64,
    /// The most bytes that were live, as far as threads have told it: about 64 KiB for each of them less or more.
    pub peak: i64,
    /// The largest size of each class, in bytes.
    pub limits: Vec<u64>,
    /// The threads that are observed.
    pub threads: Vec<Thread>,
    /// What threads counted that have ended, by class.
    pub exited: Vec<Counts>,
    /// What threads counted that have no place of their own: they were starting or ending, or there are too many. By class.
    pub others: Vec<Counts>,
    /// What the user has marked.
    pub mark: Option<Mark>,
}

/// A thread that is observed.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its number, as it knows itself.
    pub id: u64,
    /// How long ago it was observed first, in milliseconds.
    pub age: u64,
    /// What it counted, by class.
    pub counts: Vec<Counts>,
}

impl Snapshot {
    /// Returns what a segment says now.
    pub fn take(view: &View<'_>) -> Self {
        let now = mark::now();
        let slots = view.consistent(|| slots(view));
        let header = |offset| view.header_number(offset);
        // Relaxed: each is a number by itself.
        let word = |offset| view.header_word(offset).load(Ordering::Relaxed);
        let mut snapshot = Self {
            program: text(&view.program()),
            process: header(offset_of!(Header, process)),
            parent: Some(header(offset_of!(Header, parent))).filter(|&parent| parent != 0),
            is_complete: header(offset_of!(Header, is_complete)) != 0,
            is_on: header(offset_of!(Header, wanted)) & COUNTERS != 0,
            age: now.saturating_sub(word(offset_of!(Header, began))),
            refused_threads: word(offset_of!(Header, refused_threads)),
            peak: 0,
            limits: (0..view.classes()).map(|class| view.limit(class)).collect(),
            threads: Vec::new(),
            exited: vec![Counts::default(); view.classes()],
            others: vec![Counts::default(); view.classes()],
            mark: Mark::read(view, now),
        };
        for (index, (thread, counts)) in slots.into_iter().enumerate() {
            match (index, thread) {
                (OTHERS, _) => snapshot.others = counts,
                (FIRST.., Some((id, began))) => {
                    snapshot.threads.push(Thread { id, age: now.saturating_sub(began), counts });
                }
                // Nobody's, but for a thread that began while the counters were read.
                _ if index == EXITED || counts.iter().any(|counts| !counts.is_zero()) => {
                    snapshot.exited.iter_mut().zip(counts).for_each(|(sum, counts)| *sum = *sum + counts);
                }
                _ => {}
            }
        }
        // The sum of all is exact, and so is never above the peak for long.
        let live = snapshot.total().live_bytes();
        snapshot.peak = live.max(word(offset_of!(Header, peak)) as i64);
        snapshot
    }

    /// Returns what all threads counted, by class.
    pub fn classes(&self) -> Vec<Counts> {
        let mut sums = self.exited.clone();
        for counts in self.threads.iter().map(|thread| &thread.counts).chain([&self.others]) {
            sums.iter_mut().zip(counts).for_each(|(sum, &counts)| *sum = *sum + counts);
        }
        sums
    }

    /// Returns what all threads counted.
    pub fn total(&self) -> Counts {
        self.classes().iter().sum()
    }
}

/// What stands in a slot: its thread, with when that began, and the counts by class.
type Slot = (Option<(u64, u64)>, Vec<Counts>);

/// Reads all slots: first what was freed, then what was allocated, so that the allocation of every freed block is counted.
fn slots(view: &View<'_>) -> Vec<Slot> {
    let classes = || 0..view.classes();
    let frees = |slot| classes().map(|class| view.frees(slot, class)).collect::<Vec<_>>();
    let mut freed: Vec<Vec<reader::Counts>> = (0..view.used_slots()).map(frees).collect();
    // Threads may have begun meanwhile.
    freed.resize(freed.len().max(view.used_slots()), vec![reader::Counts::default(); view.classes()]);
    let slot = |(slot, freed): (usize, Vec<reader::Counts>)| {
        let counts = freed.into_iter().zip(classes());
        let counts = counts.map(|(freed, class)| view.allocations(slot, class, freed).into()).collect();
        (view.thread(slot), counts)
    };
    freed.into_iter().enumerate().map(slot).collect()
}

/// Returns a name that ends with a zero, or fills its place.
fn text(bytes: &[u8]) -> String {
    let name = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    // What is printed is not to move the terminal's cursor.
    String::from_utf8_lossy(name).chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::mark;
    use std::sync::atomic::AtomicU64;
    use xalloc_observe::layout::{Counters, MAGIC, SLOT_STRIDE, SLOTS_OFFSET, Slot, VERSION};

    /// How many slots there are, and what each of them has counted of its first class.
    const SLOTS: usize = 4;
    const ALLOCATIONS: u64 = 7;

    fn segment() -> Vec<u64> {
        let mut words = vec![0; (SLOTS_OFFSET + SLOTS * SLOT_STRIDE) / 8];
        let mut set = |offset: usize, value: u32| words[offset / 8] |= u64::from(value) << (offset % 8 * 8);
        set(offset_of!(Header, version), VERSION);
        set(offset_of!(Header, slots_offset), SLOTS_OFFSET as u32);
        set(offset_of!(Header, slot_stride), SLOT_STRIDE as u32);
        set(offset_of!(Header, slots), SLOTS as u32);
        set(offset_of!(Header, counters_offset), offset_of!(Slot, counters) as u32);
        set(offset_of!(Header, counters_size), size_of::<Counters>() as u32);
        set(offset_of!(Header, classes), 5);
        set(offset_of!(Header, limits_offset), 1024);
        set(offset_of!(Header, mark_offset), 4096);
        set(offset_of!(Header, used_slots), SLOTS as u32);
        words[0] = MAGIC;
        for slot in 0..SLOTS {
            words[(SLOTS_OFFSET + slot * SLOT_STRIDE + offset_of!(Slot, counters)) / 8] = ALLOCATIONS;
        }
        words[(SLOTS_OFFSET + FIRST * SLOT_STRIDE) / 8] = 71;
        words
    }

    fn shared(words: &[u64]) -> Vec<AtomicU64> {
        words.iter().copied().map(AtomicU64::new).collect()
    }

    #[test]
    fn every_slot_counts_once() {
        let words = shared(&segment());
        let view = View::new(&words).expect("a segment");
        let snapshot = Snapshot::take(&view);
        assert_eq!(snapshot.threads.iter().map(|thread| thread.id).collect::<Vec<_>>(), [70]);
        // The last slot is nobody's: its thread began while the counters were read.
        let all = [&snapshot.threads[0].counts, &snapshot.exited, &snapshot.others];
        assert_eq!(all.map(|counts| counts[0].allocations / ALLOCATIONS), [1, 2, 1]);
        assert!(snapshot.mark.is_none());
        mark::store(&view, &snapshot.classes());
        let marked = Snapshot::take(&view).mark.expect("a mark");
        assert_eq!(marked.classes, snapshot.classes());
    }

    /// The same numbers each time, from xorshift.
    #[test]
    fn whatever_stands_in_a_segment_is_read_or_refused() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let good = segment();
        let (mut read, mut refused) = (0, 0);
        for _ in 0..2000 {
            let mut words = good.clone();
            for _ in 0..=random(3) {
                // Halves of the header, which are its fields; but not the magic and the version.
                let shift = random(2) * 32;
                let at = 1 + random(offset_of!(Header, began) as u64 / 8) as usize;
                let shift = if at == 1 { 32 } else { shift };
                let values = [0, 1, 7, 8, 64, 4096, 1 << 20, u64::from(u32::MAX), random(1 << 32), random(1 << 16) * 8];
                let value = values[random(values.len() as u64) as usize];
                words[at] = words[at] & !(0xffff_ffff << shift) | value << shift;
            }
            words.truncate(if random(4) == 0 { random(good.len() as u64) as usize } else { good.len() });
            // An odd epoch is waited for.
            if let Some(epoch) = words.get_mut(offset_of!(Header, epoch) / 8) {
                *epoch &= !1;
            }
            let words = shared(&words);
            match View::new(&words) {
                Ok(view) => {
                    let snapshot = Snapshot::take(&view);
                    assert_eq!(snapshot.classes().len(), snapshot.limits.len());
                    mark::store(&view, &snapshot.classes());
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
        assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
    }
}
