use super::*;
use crate::size_class::CLASSES;
use std::collections::BTreeSet;
use std::vec::Vec;

#[test]
fn slabs_are_disjoint_and_reused() {
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let mut slices = BTreeSet::new();
    let mut slabs = Vec::new();
    for class in (0..200).map(|round| if round % 3 == 0 { CLASSES - 1 } else { 1 }) {
        let slab = ARENA.take_slab(class, &METADATA).unwrap();
        enter_slab(slab, 0x1000);
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
        enter_slab(slab, 0);
        ARENA.give_slab(slab);
    }
    assert_eq!(ARENA.stats().dirty, slices.len() * SLICE);
    let again = ARENA.take_slab(1, &METADATA).unwrap();
    assert!(slices.contains(&again.start()));
    assert_eq!(ARENA.purge(usize::MAX, true), 0);
    let group = [CLASSES - 1; 3].map(|class| ARENA.take_slab(class, &METADATA).unwrap());
    group.into_iter().for_each(|slab| ARENA.give_slab(slab));
    let dirty = ARENA.stats().dirty;
    let aged = ARENA.purge(usize::MAX, true);
    assert!(aged > 0 && aged + 3 * 8 * SLICE <= dirty, "{aged} of {dirty}");
    assert_eq!(ARENA.purge(usize::MAX, false), dirty - aged);
    assert_eq!(ARENA.stats().dirty, 0);
    assert_eq!(ARENA.stats().reserved, before.reserved);
    assert!(ARENA.contains(again.start() + 5) && !ARENA.contains(0x1000));
}

#[test]
fn address_space_comes_and_goes() {
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    ARENA.be_exact();
    let slabs: Vec<_> = (0..65).map(|_| ARENA.take_slab(1, &METADATA).unwrap()).collect();
    assert_eq!(ARENA.stats().reserved, 2 * CHUNK);
    let (first, last) = (slabs[0].start(), slabs[64].start());
    slabs[1..].iter().for_each(|slab| ARENA.give_slab(slab));
    ARENA.unmap();
    assert_eq!(ARENA.stats().reserved, CHUNK + SLICE, "63 slices have pages");
    assert_eq!(ARENA.purge(usize::MAX, false), 64 * SLICE);
    ARENA.unmap();
    assert_eq!(ARENA.stats().reserved, SLICE);
    assert_eq!(ARENA.stats().in_slabs, SLICE);
    assert!(ARENA.contains(first) && !ARENA.contains(first + SLICE) && !ARENA.contains(last));
    // Another test's thread may take the place in between: then the chunk stays as it is, and a fresh one is opened.
    let came_back = (0..100).any(|_| {
        let again: Vec<_> = (0..64).map(|_| ARENA.take_slab(1, &METADATA).unwrap()).collect();
        assert_eq!(ARENA.stats().in_slabs, 65 * SLICE);
        let known = again.iter().all(|slab| [first, last].iter().any(|chunk| slab.start() / CHUNK == chunk / CHUNK));
        again.iter().for_each(|slab| ARENA.give_slab(slab));
        ARENA.purge(usize::MAX, false);
        ARENA.unmap();
        known
    });
    assert!(came_back);
    assert_eq!(ARENA.stats().reserved, SLICE);
}
