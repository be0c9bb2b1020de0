//! Ends of chunks that are too short for a slab of eight slices must not keep a fresh chunk from being opened, nor may what
//! lies in them be taken for slabs. Alone in its process, as `address_space.rs` is.

use xalloc_blocks::arena::Arena;
use xalloc_blocks::huge;
use xalloc_blocks::metadata::Metadata;
use xalloc_blocks::page_map::SLICE;
use xalloc_blocks::page_map::{self, Entry};
use xalloc_blocks::purge_scope::PurgeScope;
use xalloc_blocks::size_class::{Class, MANY_SLICES};

static SMALL: Class = Class::new(1, 16, 1);
static LARGE: Class = Class::new(2, 32 << 10, MANY_SLICES);

#[test]
fn short_ends_are_no_obstacle() {
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    let slabs: Vec<_> = (0..3 * 64).map(|_| ARENA.take_slab(&SMALL, false, &METADATA, || false).unwrap()).collect();
    for chunk in slabs.chunks(64) {
        // SAFETY: slabs of this arena, of which nobody uses blocks.
        chunk[60..].iter().for_each(|slab| unsafe { ARENA.give_slab(slab) });
    }
    ARENA.purge(usize::MAX, PurgeScope::All);
    let before = ARENA.stats().reserved;
    ARENA.unmap();
    assert!(ARENA.stats().reserved <= before - 3 * 4 * SLICE);
    // Something else of ours may come to lie where an end was.
    let hole = slabs[63].start();
    // SAFETY: the chunk is covered, and nothing of the arena's is there; nobody follows the record.
    unsafe { page_map::set(hole, SLICE, Entry::ownerless(huge::KIND, 64 as *mut u8)) };
    let mut seen = 0;
    ARENA.for_each_slab(|_| seen += 1);
    assert_eq!(seen, 0, "no slab was entered");
    // SAFETY: as above.
    unsafe { page_map::set(hole, SLICE, Entry::NONE) };
    assert_eq!(ARENA.take_slab(&LARGE, false, &METADATA, || false).unwrap().shape().slices, 8);
}
