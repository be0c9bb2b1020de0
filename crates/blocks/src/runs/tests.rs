use super::*;
use crate::arena::CHUNK;
use crate::page_map::{self, SLICE};
use crate::purge_scope::PurgeScope;
use crate::size_class::SMALL;
use std::collections::BTreeMap;
use std::vec::Vec;

fn entry(address: usize) -> Entry {
    let entry = page_map::entry(address);
    assert_eq!(entry.kind(), KIND, "{address:#x} belongs to {entry:?}");
    entry
}

#[test]
fn runs_are_disjoint_aligned_and_come_back() {
    static RUNS: Runs = Runs::new();
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let mut live = BTreeMap::new();
    let mut random = 12345usize;
    let rounds = if cfg!(miri) { 60 } else { 3000 };
    for round in 0..rounds {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let (size, align) = ((random >> 33) % MAX + 1, 1 << (4 + (random >> 60)));
        if round % 3 == 2 {
            let Some((address, size)) = live.pop_first() else { continue };
            assert_eq!(RUNS.size_at(address, entry(address)).unwrap_or(0), size);
            RUNS.free(address, entry(address)).unwrap();
            continue;
        }
        let run = RUNS.allocate(size, align, &ARENA, &METADATA).unwrap();
        let start = run.start as usize;
        assert_eq!(start % align.max(PAGE), 0);
        let usable = RUNS.size_at(start, entry(start)).unwrap_or(0);
        assert!(usable >= size && usable < size + PAGE);
        // SAFETY: the run is ours; only its ends are looked at, so that the test stays small.
        unsafe {
            assert!(!run.zeroed || (*run.start == 0 && *run.start.add(usable - 1) == 0));
            *run.start = 1;
            *run.start.add(usable - 1) = 1;
        }
        assert!(live.insert(start, usable).is_none());
        let before = live.range(..start).next_back();
        assert!(before.is_none_or(|(other, size)| other + size <= start));
        let behind = live.range(start + 1..).next();
        assert!(behind.is_none_or(|(other, _)| start + usable <= *other));
    }
    let held = |size| margin::length_for(size) * PAGE;
    assert_eq!(RUNS.stats().live, live.values().copied().map(held).sum::<usize>());
    for address in live.into_keys().collect::<Vec<_>>() {
        RUNS.free(address, entry(address)).unwrap();
    }
    assert_eq!(RUNS.stats().live, 0);
    assert_eq!(RUNS.purge(usize::MAX, PurgeScope::Aged), 0);
    let again = RUNS.allocate(MAX, PAGE, &ARENA, &METADATA).unwrap().start as usize;
    RUNS.free(again, entry(again)).unwrap();
    let dirty = RUNS.stats().dirty;
    assert_eq!(RUNS.purge(usize::MAX, PurgeScope::Aged), dirty - held(MAX));
    assert_eq!(RUNS.purge(usize::MAX, PurgeScope::All), held(MAX));
    assert!(RUNS.allocate(MAX, PAGE, &ARENA, &METADATA).unwrap().zeroed);
}

#[test]
fn runs_grow_and_shrink_in_place() {
    static RUNS: Runs = Runs::new();
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let first = RUNS.allocate(10 * PAGE, PAGE, &ARENA, &METADATA).unwrap().start as usize;
    let second = RUNS.allocate(10 * PAGE, PAGE, &ARENA, &METADATA).unwrap().start as usize;
    assert_eq!(second, first + 10 * PAGE);
    assert!(!RUNS.resize(first, entry(first), 11 * PAGE));
    assert!(RUNS.resize(second, entry(second), 300 * PAGE));
    assert!(RUNS.resize(first, entry(first), 4 * PAGE));
    assert_eq!(RUNS.size_at(first, entry(first)).unwrap_or(0), 4 * PAGE);
    assert!(!RUNS.resize(second, entry(second), 2 * CHUNK));
    let third = RUNS.allocate(6 * PAGE, PAGE, &ARENA, &METADATA).unwrap().start as usize;
    assert_eq!(third, first + 4 * PAGE);
}

#[cfg(not(any(target_os = "macos", miri)))]
#[test]
fn a_run_whose_pages_have_changed_is_mapped_afresh() {
    static RUNS: Runs = Runs::new();
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let size = 64 * PAGE;
    let allocate = || RUNS.allocate(size, PAGE, &ARENA, &METADATA).unwrap().start;
    let (first, second) = (allocate(), allocate());
    // SAFETY: both runs are the test's.
    unsafe {
        first.write(1);
        second.write(2);
        assert_eq!(libc::mlock(first.add(size - pages::page_size()).cast(), pages::page_size()), 0);
    }
    assert!(!RUNS.resize(first as usize, entry(first as usize), 40 * PAGE), "the next run would get a locked page");
    RUNS.free(first as usize, entry(first as usize)).unwrap();
    assert_eq!(allocate(), first);
    // SAFETY: as above.
    unsafe { assert_eq!((first.read(), second.read()), (0, 2)) };
    RUNS.free(first as usize, entry(first as usize)).unwrap();
    assert_eq!(allocate(), first);
    RUNS.free(second as usize, entry(second as usize)).unwrap();
    assert_eq!(allocate(), second);
    // SAFETY: as above.
    unsafe { assert_eq!(second.read(), 2, "what has not changed is kept") };
}

#[test]
fn a_chunk_without_runs_serves_slabs_and_comes_back() {
    static RUNS: Runs = Runs::new();
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let run = RUNS.allocate(10 * PAGE, PAGE, &ARENA, &METADATA).unwrap();
    let (first, old) = (run.start as usize, entry(run.start as usize));
    // SAFETY: the run is the test's.
    unsafe { run.start.write_bytes(1, 10 * PAGE) };
    assert_eq!(RUNS.release_empty(usize::MAX, &ARENA, &METADATA), 0, "a run is in it");
    RUNS.free(first, old).unwrap();
    let more = || RUNS.release_empty(1, &ARENA, &METADATA) == 1;
    let slab = ARENA.take_slab(&SMALL, false, &METADATA, more).unwrap();
    assert_eq!(slab.start(), first, "where pages are");
    assert!(RUNS.size_at(first, old).is_none(), "whoever still has the record finds no run");
    assert!(matches!(RUNS.misuse_at(first, old), xalloc_heap::Misuse::FreeMemory));
    // SAFETY: a slab of this arena, of which nobody uses blocks.
    unsafe { ARENA.give_slab(slab) };
    let again = RUNS.allocate(10 * PAGE, PAGE, &ARENA, &METADATA).unwrap();
    assert_eq!((again.start as usize, again.zeroed, entry(first)), (first, false, old));
    let behind = RUNS.allocate(10 * PAGE, SLICE, &ARENA, &METADATA).unwrap();
    // SAFETY: the run is the test's.
    assert!(behind.zeroed && unsafe { (0..10 * PAGE).step_by(61).all(|offset| behind.start.add(offset).read() == 0) });
}

#[cfg(not(any(target_os = "macos", miri)))]
#[test]
fn a_chunk_whose_pages_have_changed_is_mapped_afresh_for_the_other_kind() {
    static RUNS: Runs = Runs::new();
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let run = RUNS.allocate(8 * PAGE, PAGE, &ARENA, &METADATA).unwrap().start;
    // SAFETY: the run is the test's.
    unsafe {
        run.write(1);
        assert_eq!(libc::mlock(run.cast(), pages::page_size()), 0);
    }
    RUNS.free(run as usize, entry(run as usize)).unwrap();
    let slab = ARENA.take_slab(&SMALL, false, &METADATA, || RUNS.release_empty(1, &ARENA, &METADATA) == 1).unwrap();
    assert_eq!(slab.start(), run as usize);
    // SAFETY: the slab is the test's.
    unsafe {
        assert_eq!(run.read(), 0);
        assert!(pages::is_one_mapping(slab.start(), CHUNK - pages::page_size()));
    }
}

/// Its holder does so without the shard's lock, which guards what else is known of its chunk.
#[test]
fn a_run_is_measured_while_its_neighbours_come_and_go() {
    static RUNS: Runs = Runs::new();
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let allocate = || RUNS.allocate(10 * PAGE, PAGE, &ARENA, &METADATA).unwrap().start as usize;
    let run = allocate();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for other in (0..10).map(|_| allocate()) {
                RUNS.free(other, entry(other)).unwrap();
            }
        });
        (0..10).for_each(|_| assert_eq!(RUNS.size_at(run, entry(run)), Some(10 * PAGE)));
    });
}
