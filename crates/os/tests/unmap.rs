//! What is unmapped is gone. Alone in its process: another test's thread could map something in its place.

use xalloc_os::maps::{Place, describe};
use xalloc_os::pages::{map_aligned, unmap};

#[test]
fn nothing_is_left_where_a_mapping_was() {
    let block = map_aligned(100_000, 1 << 22).unwrap();
    assert_eq!(describe(block.start), Place::Anonymous);
    // SAFETY: the mapping is ours, and nothing uses it.
    assert!(unsafe { unmap(block.base, block.length) });
    assert_eq!(describe(block.start), Place::Unmapped);
}
