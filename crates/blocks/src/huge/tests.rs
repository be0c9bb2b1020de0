use super::kept::Keeping;
use super::*;
use xalloc_heap::Misuse;

/// Miri has no memory that nobody touches.
const ALIGNMENTS: &[usize] = if cfg!(miri) { &[16, 1 << 22] } else { &[16, 4096, 1 << 16, 1 << 22, 1 << 30] };

fn entry(address: usize) -> Entry {
    let entry = page_map::entry(address);
    assert_eq!(entry.kind(), KIND, "{address:#x} belongs to {entry:?}");
    entry
}

#[test]
fn blocks_are_aligned_grow_and_go() {
    static HUGE: Huge = Huge::new();
    static METADATA: Metadata = Metadata::new();
    for &align in ALIGNMENTS {
        let block = HUGE.allocate(3 << 20, align, false, &METADATA).unwrap();
        let start = block.start as usize;
        assert!(block.zeroed && start.is_multiple_of(align.max(4096)));
        assert!(HUGE.size_at(start, entry(start)).unwrap() >= 3 << 20);
        assert!(HUGE.contains(start, entry(start)));
        assert!(start.is_multiple_of(SLICE) || !HUGE.contains(start - 1, entry(start)));
        // SAFETY: the block is ours.
        unsafe { block.start.write_bytes(7, 3 << 20) };
        let grown = HUGE.resize(start, entry(start), 1 << 30).unwrap();
        // SAFETY: as above; the new bytes read as zeros.
        unsafe { assert_eq!((*grown, *grown.add((3 << 20) - 1), *grown.add(1 << 29)), (7, 7, 0)) };
        let start = grown as usize;
        assert_eq!(HUGE.resize(start, entry(start), 3 << 20).unwrap(), grown);
        assert_eq!(HUGE.stats().blocks, 1);
        let last = entry(start);
        HUGE.free(start, last).unwrap();
        HUGE.trim();
        // Another test's thread may have mapped something of its own there since.
        assert_ne!(page_map::entry(start), last);
    }
    assert_eq!((HUGE.stats().blocks, HUGE.stats().live, HUGE.stats().kept), (0, 0, 0));
}

#[test]
fn a_freed_mapping_is_reused_and_not_too_many_are_kept() {
    static HUGE: Huge = Huge::new();
    static METADATA: Metadata = Metadata::new();
    let allocate = |size| HUGE.allocate(size, 16, false, &METADATA).unwrap();
    let first = allocate(5 << 20);
    HUGE.free(first.start as usize, entry(first.start as usize)).unwrap();
    let second = allocate(5 << 20);
    assert_eq!((second.start, second.zeroed), (first.start, false));
    assert_ne!(allocate(5 << 20).start, first.start);
    let blocks: std::vec::Vec<_> = (0..40).map(|_| allocate(3 << 20).start as usize).collect();
    let peak = HUGE.stats().live;
    for block in blocks {
        HUGE.free(block, entry(block)).unwrap();
        assert!(HUGE.stats().kept + HUGE.stats().live <= peak + 3 * (40 << 12), "pages at the mappings' ends apart");
    }
    // Beyond that, the little that is always kept.
    let large = allocate(peak).start as usize;
    assert!(HUGE.stats().kept <= Keeping::SPEED.bytes(0).max(peak));
    HUGE.free(large, entry(large)).unwrap();
    assert!(HUGE.stats().kept <= peak + Keeping::SPEED.bytes(0));
}

#[test]
fn it_keeps_as_it_is_told() {
    static HUGE: Huge = Huge::new();
    static LEAN: Huge = Huge::new();
    static METADATA: Metadata = Metadata::new();
    let allocate = |huge: &Huge, size| huge.allocate(size, 16, false, &METADATA).unwrap().start as usize;
    let free = |huge: &Huge, block| huge.free(block, entry(block)).unwrap();
    HUGE.tune(0, false);
    free(&HUGE, allocate(&HUGE, 5 << 20));
    assert_eq!(HUGE.stats().kept, 0, "not for a moment");
    LEAN.tune(u64::MAX, true);
    let blocks = [20, 20, 20].map(|mebibytes| allocate(&LEAN, mebibytes << 20));
    blocks.into_iter().for_each(|block| _ = free(&LEAN, block));
    assert!((20 << 20..=Keeping::LEAN.bytes(usize::MAX)).contains(&LEAN.stats().kept), "however much was in use");
}

/// Alignment takes more addresses than the block has bytes, but no memory.
#[test]
fn a_single_large_block_is_kept() {
    static HUGE: Huge = Huge::new();
    static METADATA: Metadata = Metadata::new();
    let allocate = || HUGE.allocate(100 << 20, 16, false, &METADATA).unwrap().start as usize;
    let first = allocate();
    HUGE.free(first, entry(first)).unwrap();
    assert_eq!((HUGE.stats().kept, allocate()), (100 << 20, first));
}

#[test]
fn what_blocks_do_without_is_unmapped() {
    static HUGE: Huge = Huge::new();
    static METADATA: Metadata = Metadata::new();
    let block = HUGE.allocate(8 << 20, 16 << 20, false, &METADATA).unwrap().start;
    // SAFETY: the block is the test's.
    unsafe { block.write_bytes(1, 8 << 20) };
    assert_eq!(HUGE.trim(), (16 << 20) - pages::page_size());
    assert_eq!(HUGE.trim(), 0);
    // SAFETY: as above.
    assert!(unsafe { (0..8 << 20).step_by(4093).all(|offset| block.add(offset).read() == 1) });
    HUGE.free(block as usize, entry(block as usize)).unwrap();
    assert_eq!(HUGE.trim(), (8 << 20) + margin());
}

#[test]
fn as_much_goes_as_is_too_much() {
    static HUGE: Huge = Huge::new();
    static METADATA: Metadata = Metadata::new();
    let blocks =
        [4, 5, 6].map(|mebibytes| HUGE.allocate(mebibytes << 20, 16, false, &METADATA).unwrap().start as usize);
    blocks.into_iter().for_each(|block| _ = HUGE.free(block, entry(block)));
    let kept = HUGE.stats().kept;
    assert_eq!(HUGE.purge(0), 0);
    let given = HUGE.purge(5 << 20);
    assert!((5 << 20..12 << 20).contains(&given), "{given}");
    assert_eq!(HUGE.stats().kept, kept - given);
    assert_eq!(HUGE.purge(usize::MAX), kept - given);
}

#[cfg(not(any(target_os = "macos", miri)))]
#[test]
fn a_mapping_that_has_changed_is_not_kept() {
    static HUGE: Huge = Huge::new();
    static METADATA: Metadata = Metadata::new();
    let block = HUGE.allocate(5 << 20, 16, false, &METADATA).unwrap().start;
    let start = block as usize;
    // SAFETY: the block is the test's.
    unsafe { assert_eq!(libc::mlock(block.add(1 << 20).cast(), pages::page_size()), 0) };
    assert_eq!(HUGE.resize(start, entry(start), 3 << 20), Err(Stays::Changed), "nobody knows what the margin would be");
    assert_eq!(HUGE.resize(start, entry(start), 50 << 20), Err(Stays::Changed), "the kernel does not move it");
    HUGE.free(start, entry(start)).unwrap();
    assert_eq!((HUGE.stats().blocks, HUGE.stats().kept, HUGE.mapped()), (0, 0, 0));
}

#[test]
fn a_single_block_is_retained_however_large() {
    static HUGE: Huge = Huge::new();
    static METADATA: Metadata = Metadata::new();
    let allocate = || HUGE.allocate(100_000_000, 16, false, &METADATA).unwrap();
    let first = allocate();
    HUGE.free(first.start as usize, entry(first.start as usize)).unwrap();
    let second = allocate();
    assert_eq!((second.start, second.zeroed), (first.start, false));
    HUGE.free(second.start as usize, entry(second.start as usize)).unwrap();
}

#[test]
fn an_address_in_a_mapping_is_known_wherever_it_lies() {
    static HUGE: Huge = Huge::new();
    static METADATA: Metadata = Metadata::new();
    let size = 3 << 20;
    let start = HUGE.allocate(size, 16, false, &METADATA).unwrap().start as usize;
    let mapping = entry(start);
    let inside = |offset| Some(Misuse::Interior { offset, size });
    assert_eq!(HUGE.misuse_at(start), None, "a block in use");
    assert_eq!([1, SLICE, size - 1].map(|offset| HUGE.misuse_at(start + offset)), [1, SLICE, size - 1].map(inside));
    assert_eq!(HUGE.free(start + 16, mapping), Err(inside(16).unwrap().into()));
    assert_eq!(HUGE.misuse_at((&raw const METADATA) as usize), None, "nobody's");
    HUGE.free(start, mapping).unwrap();
    assert_eq!(HUGE.misuse_at(start), Some(Misuse::FreedBefore { size }));
    assert_eq!(HUGE.misuse_at(start + 1), Some(Misuse::FreeMemory));
    HUGE.trim();
    assert_eq!(HUGE.misuse_at(start), None, "unmapped");
}
