use super::opening::{ENOUGH, NEWEST};
use super::*;
use crate::size_class::{LARGE, MIDDLE, SMALL};
use crate::slab;
use std::collections::BTreeSet;
use std::vec::Vec;

/// Miri is a thousand times slower.
const SLABS: usize = if cfg!(miri) { 12 } else { 200 };

/// Gives slabs of the test's own back.
fn give(arena: &Arena, slabs: impl IntoIterator<Item = &'static Slab>) {
    // SAFETY: nobody uses blocks of them.
    slabs.into_iter().for_each(|slab| unsafe { arena.give_slab(slab) });
}

/// Enters a slab of the test's own into the page map, for no bin that anybody follows.
fn register(slab: &Slab) {
    // SAFETY: nobody frees blocks of it.
    unsafe { slab.register(0x1000) };
}

#[test]
fn slabs_are_disjoint_and_reused() {
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let mut slices = BTreeSet::new();
    let mut slabs = Vec::new();
    for class in (0..SLABS).map(|round| if round % 3 == 0 { &LARGE } else { &SMALL }) {
        let slab = ARENA.take_slab(class, false, &METADATA, || false).unwrap();
        register(slab);
        for slice in 0..slab.shape().slices as usize {
            assert!(slices.insert(slab.start() + slice * SLICE));
        }
        slabs.push(slab);
    }
    let before = ARENA.stats();
    assert_eq!(before.in_slabs, slices.len() * SLICE);
    let mut seen = 0;
    ARENA.for_each_slab(|_| seen += 1);
    assert_eq!(seen, slabs.len());
    for slab in slabs {
        // SAFETY: nobody uses blocks of it.
        unsafe { slab.unregister() };
        give(&ARENA, [slab]);
    }
    assert_eq!(ARENA.stats().dirty, slices.len() * SLICE);
    let again = ARENA.take_slab(&SMALL, false, &METADATA, || false).unwrap();
    assert!(slices.contains(&again.start()));
    assert_eq!(ARENA.purge(usize::MAX, PurgeScope::Aged), 0);
    let group = [&LARGE; 3].map(|class| ARENA.take_slab(class, false, &METADATA, || false).unwrap());
    give(&ARENA, group);
    let dirty = ARENA.stats().dirty;
    let aged = ARENA.purge(usize::MAX, PurgeScope::Aged);
    assert!(aged > 0 && aged + 3 * 8 * SLICE <= dirty, "{aged} of {dirty}");
    assert_eq!(ARENA.purge(usize::MAX, PurgeScope::All), dirty - aged);
    assert_eq!(ARENA.stats().dirty, 0);
    assert_eq!(ARENA.stats().reserved, before.reserved);
    assert!(ARENA.contains(again.start() + 5) && !ARENA.contains(0x1000));
}

/// Threads hold a slab for each size; how much of it they use decides.
#[test]
#[cfg_attr(miri, ignore = "carves 28 MiB block by block")]
fn only_slabs_that_are_used_call_for_huge_pages() {
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let is_filling = || ARENA.0.with(|state| state.is_filling());
    let take = || {
        let slab = ARENA.take_slab(&MIDDLE, false, &METADATA, || false).unwrap();
        register(slab);
        slab::tests::take(slab).unwrap();
        slab
    };
    let fill = |slabs: &[&Slab]| slabs.iter().for_each(|slab| while slab::tests::take(slab).is_some() {});
    let slabs: Vec<_> = (0..NEWEST * 64).map(|_| take()).collect();
    assert!(!is_filling(), "a page of each");
    fill(&slabs[slabs.len() - ENOUGH / SLICE - 16..]);
    assert!(is_filling());
    slabs.iter().for_each(|_| _ = take());
    assert!(!is_filling(), "what was filled long ago says nothing");
    let larger: Vec<_> = (0..NEWEST * 8).map(|_| ARENA.take_slab(&LARGE, true, &METADATA, || false).unwrap()).collect();
    larger.iter().for_each(|slab| register(slab));
    fill(&larger);
    assert!(!is_filling(), "in large blocks there may be pages that are not touched");
}

#[test]
#[cfg_attr(miri, ignore = "takes 1500 slabs")]
fn slabs_are_made_of_what_has_pages_rather_than_of_what_was_purged() {
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    const CHUNKS: usize = 24;
    let take = |chunks: usize| -> Vec<_> {
        (0..chunks * 64).map(|_| ARENA.take_slab(&SMALL, false, &METADATA, || false).unwrap()).collect()
    };
    give(&ARENA, take(CHUNKS));
    let purged = ARENA.purge(CHUNKS / 2 * CHUNK, PurgeScope::All);
    assert_eq!(ARENA.stats().dirty, CHUNKS * CHUNK - purged);
    take((CHUNKS * CHUNK - purged) / CHUNK);
    assert_eq!(ARENA.stats().dirty, 0, "all that had pages was used before the rest");
}

/// Its owner does so without the arena's lock, which guards what else is known of its chunk.
#[test]
fn a_slab_is_used_while_its_neighbours_come_and_go() {
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let take = || ARENA.take_slab(&MIDDLE, false, &METADATA, || false).unwrap();
    let slab = take();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..10).for_each(|_| give(&ARENA, [take()])));
        while slab::tests::take(slab).is_some() {}
    });
}
