//! Slabs of an arena, for the targets of what works on slabs.

use xalloc_blocks::arena::Arena;
use xalloc_blocks::free_list::{Block, Key, KeyCell, List};
use xalloc_blocks::metadata::Metadata;
use xalloc_blocks::size_class::{self, Class};
use xalloc_blocks::slab::Slab;

/// What links are encoded with.
pub const KEY: Key = Key::new(0x1234_5678_9abc_def1);
/// The same, for who wants a cell.
pub static CELL: KeyCell = KeyCell::new(KEY);

/// The number of classes and one.
pub const CLASSES: usize = 6;
/// Classes of one slice and of eight, with many blocks and with few.
pub static TABLE: [Class; CLASSES] = size_class::table(&[16, 48, 512, 4096, 32768], false);

static ARENA: Arena = Arena::new();
static METADATA: Metadata = Metadata::new();

/// Returns the class with this number, or one that stands for it.
pub fn class(number: u8) -> &'static Class {
    &TABLE[1 + number as usize % (CLASSES - 1)]
}

/// Returns a slab, which is in no list and not in the page map.
pub fn open(class: &'static Class) -> &'static Slab {
    ARENA.take_slab(class, false, &METADATA, || false).expect("memory")
}

/// Takes back a slab that is in no list, whatever blocks of it are used.
///
/// # Safety
/// Nobody uses the slab, or a block of it.
pub unsafe fn close(slab: &Slab) {
    // SAFETY: the caller's.
    unsafe {
        slab.unregister();
        slab.forget_blocks();
        ARENA.give_slab(slab);
    }
}

/// Returns the blocks of a list, which must be whole.
pub fn blocks(list: List) -> Vec<usize> {
    let mut all = Vec::new();
    let mut block = list.head;
    while !block.is_null() {
        all.push(block as usize);
        assert!(all.len() <= list.count, "the list is longer than it says");
        // SAFETY: a block of a list that the caller has.
        block = unsafe { Block::next(block, KEY) }.expect("nobody wrote to it");
    }
    assert_eq!(all.len(), list.count, "the list is shorter than it says");
    all
}

/// Chains blocks, the first one first.
///
/// # Safety
/// They are free, and the caller's.
pub unsafe fn chain(blocks: &[usize]) -> List {
    let mut head = core::ptr::null_mut();
    for &block in blocks.iter().rev() {
        // SAFETY: the caller's.
        unsafe { Block::set_next(block as *mut Block, head, KEY) };
        head = block as *mut Block;
    }
    List { head, count: blocks.len() }
}

/// Returns the index of a block in its slab.
pub fn index(slab: &Slab, block: usize) -> usize {
    slab.shape().index(block - slab.start()).expect("a block starts there")
}
