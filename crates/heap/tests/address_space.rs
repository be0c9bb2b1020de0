//! Address space that an arena gives back and maps again. Alone in its process: another test's thread could map something
//! in its place meanwhile.

use xalloc_heap::arena::{Arena, CHUNK, Which};
use xalloc_heap::metadata::Metadata;
use xalloc_heap::page_map::{self, Entry};
use xalloc_heap::size_class::SLICE;

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
    assert_eq!(ARENA.purge(usize::MAX, Which::All), 64 * SLICE);
    ARENA.unmap();
    assert_eq!(ARENA.stats().reserved, SLICE);
    assert_eq!(ARENA.stats().in_slabs, SLICE);
    assert!(ARENA.contains(first) && !ARENA.contains(first + SLICE) && !ARENA.contains(last));
    let again: Vec<_> = (0..64).map(|_| ARENA.take_slab(1, &METADATA).unwrap()).collect();
    assert_eq!(ARENA.stats().in_slabs, 65 * SLICE);
    assert!(again.iter().all(|slab| [first, last].iter().any(|chunk| slab.start() / CHUNK == chunk / CHUNK)));
    again.iter().for_each(|slab| ARENA.give_slab(slab));
    ARENA.purge(usize::MAX, Which::All);
    ARENA.unmap();
    assert_eq!(ARENA.stats().reserved, SLICE);
}

/// Ends that are too short for a slab of eight slices must not keep a fresh chunk from being opened, nor may what lies in
/// them be taken for slabs.
#[test]
fn short_ends_are_no_obstacle() {
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let large = xalloc_heap::size_class::CLASSES - 1;
    let slabs: Vec<_> = (0..3 * 64).map(|_| ARENA.take_slab(1, &METADATA).unwrap()).collect();
    for chunk in slabs.chunks(64) {
        chunk[60..].iter().for_each(|slab| ARENA.give_slab(slab));
    }
    ARENA.purge(usize::MAX, Which::All);
    let before = ARENA.stats().reserved;
    ARENA.unmap();
    assert!(ARENA.stats().reserved <= before - 3 * 4 * SLICE);
    // Something else of ours may come to lie where an end was.
    let hole = slabs[63].start();
    page_map::set(hole, SLICE, Entry::Huge(64 as *mut u8));
    let mut seen = 0;
    ARENA.for_each_slab(|_| seen += 1);
    assert_eq!(seen, 0, "no slab was entered");
    page_map::set(hole, SLICE, Entry::None);
    assert_eq!(ARENA.take_slab(large, &METADATA).unwrap().shape().slices, 8);
}
