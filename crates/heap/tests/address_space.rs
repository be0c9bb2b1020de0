//! Address space that an arena gives back and maps again. Alone in its process, so in its file: another test's thread could
//! map something in its place meanwhile.

use xalloc_heap::arena::{Arena, CHUNK, Which};
use xalloc_heap::metadata::Metadata;
use xalloc_heap::size_class::SLICE;

#[test]
fn address_space_comes_and_goes() {
    static ARENA: Arena = Arena::new();
    static METADATA: Metadata = Metadata::new();
    ARENA.be_exact();
    let slabs: Vec<_> = (0..65).map(|_| ARENA.take_slab(1, false, &METADATA).unwrap()).collect();
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
    let again: Vec<_> = (0..64).map(|_| ARENA.take_slab(1, false, &METADATA).unwrap()).collect();
    assert_eq!(ARENA.stats().in_slabs, 65 * SLICE);
    assert!(again.iter().all(|slab| [first, last].iter().any(|chunk| slab.start() / CHUNK == chunk / CHUNK)));
    again.iter().for_each(|slab| ARENA.give_slab(slab));
    ARENA.purge(usize::MAX, Which::All);
    ARENA.unmap();
    assert_eq!(ARENA.stats().reserved, SLICE);
}
