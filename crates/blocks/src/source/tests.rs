use super::*;
use crate::arena::{Arena, CHUNK};
use crate::metadata::Metadata;
use crate::page_map::SLICE;
use crate::size_class::SMALL;
use crate::slab::Slab;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::vec::Vec;

/// Memory of the kernel's, but only so many bytes of it, and what it was asked for.
#[derive(Clone, Copy)]
struct Counting(&'static Counts);

struct Counts {
    left: AtomicUsize,
    committed: AtomicUsize,
    populated: AtomicUsize,
    locked: AtomicUsize,
    can_lock: bool,
}

impl Counts {
    const fn new(left: usize, can_lock: bool) -> Self {
        let [committed, populated, locked] = [const { AtomicUsize::new(0) }; 3];
        Self { left: AtomicUsize::new(left), committed, populated, locked, can_lock }
    }

    fn take(&self, size: usize) -> bool {
        let taken = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(size)).is_ok();
        self.committed.fetch_add(if taken { size } else { 0 }, Relaxed);
        taken
    }
}

// SAFETY: the memory is the kernel's.
unsafe impl Source for Counting {
    const ALIGN: usize = Kernel::ALIGN;

    fn reserve(self, size: usize) -> Option<usize> {
        Kernel.reserve(size)
    }

    unsafe fn commit(self, address: usize, size: usize) -> Committed {
        // SAFETY: the range is reserved, and no more than that.
        if self.0.take(size) { unsafe { Kernel.commit(address, size) } } else { Committed::Refused }
    }

    fn map_again(self, address: usize, size: usize) -> bool {
        self.0.take(size) && Kernel.map_again(address, size)
    }

    unsafe fn unmap(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is the kernel's, and not used.
        unsafe { Kernel.unmap(address, size) }
    }

    unsafe fn purge(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is the kernel's, and its contents are not needed.
        unsafe { Kernel.purge(address, size) }
    }

    fn populate(self, _: usize, size: usize) -> bool {
        self.0.populated.fetch_add(size, Relaxed);
        true
    }

    fn lock(self, _: usize, size: usize, wanted: bool) -> bool {
        if wanted {
            self.0.locked.fetch_add(size, Relaxed)
        } else {
            self.0.locked.fetch_sub(size, Relaxed)
        };
        self.0.can_lock
    }
}

fn take<S: Source>(arena: &Arena<S>, metadata: &Metadata) -> Option<&'static Slab> {
    arena.take_slab(&SMALL, false, metadata, || false)
}

/// Gives a slab of the test's own back.
fn give<S: Source>(arena: &Arena<S>, slab: &Slab) {
    // SAFETY: nobody uses blocks of it.
    unsafe { arena.give_slab(slab) };
}

/// All that the source has becomes slabs; then the arena says so each time, and is as good as before.
#[test]
fn an_arena_ends_where_its_source_does() {
    // The last chunk is a half.
    static COUNTS: Counts = Counts::new(2 * CHUNK + CHUNK / 2, false);
    static ARENA: Arena<Counting> = Arena::with_source(Counting(&COUNTS));
    static METADATA: Metadata = Metadata::new();
    let slabs: Vec<_> = core::iter::from_fn(|| take(&ARENA, &METADATA)).collect();
    assert_eq!(slabs.len() * SLICE, 2 * CHUNK + CHUNK / 2);
    for _ in 0..3 {
        assert!(take(&ARENA, &METADATA).is_none() && ARENA.take_chunk().is_none());
        assert!(ARENA.lock().try_lock().is_some(), "the lock was released");
    }
    give(&ARENA, slabs[7]);
    assert_eq!(take(&ARENA, &METADATA).map(Slab::start), Some(slabs[7].start()));
}

/// Addresses of one range, in whole chunks.
#[derive(Clone, Copy)]
struct Range {
    start: usize,
    next: &'static AtomicUsize,
    chunks: usize,
}

// SAFETY: a range of zeros that nobody else has, of which no part is handed out twice.
unsafe impl Source for Range {
    const ALIGN: usize = CHUNK;

    fn reserve(self, size: usize) -> Option<usize> {
        let next = |next: usize| Some(next + size).filter(|&end| end <= self.chunks * CHUNK);
        self.next.fetch_update(Relaxed, Relaxed, next).ok().map(|offset| self.start + offset)
    }

    unsafe fn commit(self, _: usize, _: usize) -> Committed {
        Committed::Yes
    }

    fn map_again(self, _: usize, _: usize) -> bool {
        true
    }

    unsafe fn unmap(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is ours, and not used.
        unsafe { self.purge(address, size) }
    }

    unsafe fn purge(self, address: usize, size: usize) -> bool {
        // SAFETY: the range is ours, and its contents are not needed.
        unsafe { pages::purge(address, size) }
    }
}

/// Nothing is lost to alignment, chunks may change their kind, and what was unmapped is mapped again.
#[test]
fn a_source_of_aligned_addresses_gives_all_of_them() {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    static METADATA: Metadata = Metadata::new();
    let chunks = 3;
    let start = pages::map_aligned(chunks * CHUNK, CHUNK).unwrap().start;
    let arena = Arena::with_source(Range { start, next: &NEXT, chunks });
    let slabs: Vec<_> = core::iter::from_fn(|| take(&arena, &METADATA)).collect();
    assert_eq!(slabs.len() * SLICE, chunks * CHUNK);
    assert!(slabs.iter().all(|slab| (start..start + chunks * CHUNK).contains(&slab.start())));
    slabs.iter().for_each(|slab| give(&arena, slab));
    let taken = arena.take_chunk().map(|(base, _)| base);
    assert!(taken.is_some_and(|base| slabs.iter().any(|slab| slab.start() == base)));
    assert_eq!(arena.unmap(), (chunks - 1) * CHUNK);
    assert_eq!(core::iter::from_fn(|| take(&arena, &METADATA)).count() * SLICE, (chunks - 1) * CHUNK);
    // SAFETY: taken above, and nobody uses it.
    assert!(unsafe { arena.give_chunk(taken.unwrap(), u64::MAX, &METADATA) });
    assert_eq!(take(&arena, &METADATA).map(Slab::start), taken);
}

#[test]
fn a_populated_source_populates_what_it_commits() {
    static COUNTS: Counts = Counts::new(usize::MAX, true);
    static METADATA: Metadata = Metadata::new();
    let arena = Arena::with_source(Populated(Counting(&COUNTS)));
    let slabs = [(); 65].map(|()| take(&arena, &METADATA).unwrap());
    assert_eq!(COUNTS.populated.load(Relaxed), 2 * CHUNK);
    slabs.into_iter().for_each(|slab| give(&arena, slab));
    arena.unmap();
    take(&arena, &METADATA).unwrap();
    assert_eq!(COUNTS.populated.load(Relaxed), COUNTS.committed.load(Relaxed));
    assert!(COUNTS.populated.load(Relaxed) > 2 * CHUNK);
}

#[test]
fn what_is_mapped_is_locked_and_a_refusal_is_told() {
    static COUNTS: [Counts; 2] = [Counts::new(usize::MAX, true), Counts::new(usize::MAX, false)];
    static METADATA: Metadata = Metadata::new();
    for counts in &COUNTS {
        let arena = Arena::with_source(Counting(counts));
        (0..65).for_each(|_| assert!(take(&arena, &METADATA).is_some()));
        assert_eq!(arena.lock_pages(true), counts.can_lock);
        assert_eq!(counts.locked.load(Relaxed), 2 * CHUNK);
        arena.lock_pages(false);
        assert_eq!(counts.locked.load(Relaxed), 0);
    }
}
