//! What the heap says of itself. Alone in its process: what other tests allocate meanwhile is in use too.

use xalloc_global::Xalloc;

#[global_allocator]
static ALLOCATOR: Xalloc = Xalloc;

#[test]
fn the_heap_knows_what_is_in_use() {
    let before = ALLOCATOR.stats().allocated;
    let block = vec![1u8; 64 << 20];
    assert!(ALLOCATOR.stats().allocated >= before + block.len() - (8 << 20));
    let stats = ALLOCATOR.stats();
    assert!(stats.huge_allocated >= block.len() && stats.huge_blocks >= 1, "{stats:?}");
    assert!(stats.allocated <= stats.active && stats.resident() <= stats.mapped(), "{stats:?}");
    assert!(block.iter().all(|&byte| byte == 1));
}
