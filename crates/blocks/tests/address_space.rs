//! Address space that an arena unmaps and maps again. Alone in its process, so in its file: another test's thread could
//! map something in its place meanwhile.

use xalloc_blocks::arena::{Arena, CHUNK};
use xalloc_blocks::metadata::Metadata;
use xalloc_blocks::page_map::SLICE;
use xalloc_blocks::size_class::Class;
use xalloc_blocks::slab::Slab;

static SMALL: Class = Class::new(1, 16, 1);

#[test]
fn address_space_comes_and_goes() {
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    // SAFETY: slabs of this arena, of which nobody uses blocks.
    let give = |slab: &&'static Slab| unsafe { ARENA.give_slab(slab) };
    ARENA.reserve_on_demand();
    let slabs: Vec<_> = (0..65).map(|_| ARENA.take_slab(&SMALL, false, &METADATA, || false).unwrap()).collect();
    assert_eq!(ARENA.stats().reserved, 2 * CHUNK);
    let (first, last) = (slabs[0].start(), slabs[64].start());
    slabs[1..].iter().for_each(give);
    assert_eq!(ARENA.unmap(), 2 * CHUNK - SLICE);
    assert_eq!(ARENA.stats().reserved, SLICE);
    assert_eq!(ARENA.unmap(), 0, "nothing became free since");
    assert_eq!(ARENA.stats().in_slabs, SLICE);
    assert!(ARENA.contains(first) && !ARENA.contains(first + SLICE) && !ARENA.contains(last));
    let again: Vec<_> = (0..64).map(|_| ARENA.take_slab(&SMALL, false, &METADATA, || false).unwrap()).collect();
    assert_eq!(ARENA.stats().in_slabs, 65 * SLICE);
    assert!(again.iter().all(|slab| [first, last].iter().any(|chunk| slab.start() / CHUNK == chunk / CHUNK)));
    again.iter().for_each(give);
    ARENA.unmap();
    assert_eq!(ARENA.stats().reserved, SLICE);
}
