//! Blocks of one size in an arena of any source: about the least that makes a heap of an arena and slabs.

use xalloc_blocks::arena::Arena;
use xalloc_blocks::free_list::{Block, Key, List};
use xalloc_blocks::metadata::Metadata;
use xalloc_blocks::page_map;
use xalloc_blocks::size_class::Class;
use xalloc_blocks::slab::Slab;
use xalloc_blocks::source::Source;

/// The one class.
static CLASS: Class = Class::new(1, 64, 1);
/// The size of a block.
pub const BLOCK: usize = 64;

/// What the links of free blocks are encoded with. A heap that guards against attackers takes a secret of the process.
const KEY: Key = Key::new(0x5bd1_e995_9e37_79b9);

/// The blocks. The records of slabs are memory of this process alone, and so only it may allocate and free.
pub struct Pool<S: Source> {
    arena: Arena<S>,
    metadata: Metadata,
    /// Blocks that were taken from a slab and not handed out yet.
    cached: List,
    /// The slab that they came from, which may have more.
    slab: Option<&'static Slab>,
}

impl<S: Source> Pool<S> {
    /// Returns an empty pool of memory of `source`.
    pub fn new(source: S) -> Self {
        let cached = List { head: std::ptr::null_mut(), count: 0 };
        Self { arena: Arena::with_source(source), metadata: Metadata::new(), cached, slab: None }
    }

    /// Returns a block. `None` if the source has no more memory.
    pub fn allocate(&mut self) -> Option<*mut u8> {
        if self.cached.count == 0 {
            // SAFETY: the pool's slabs are changed by nobody else.
            let take = |slab: &'static Slab| unsafe { slab.take(KEY) };
            self.cached = self.slab.and_then(take).or_else(|| take(self.open_slab()?))?;
        }
        let block = self.cached.head;
        // SAFETY: the first block of a list that is the pool's alone.
        let next = unsafe { Block::next(block, KEY) }.expect("nobody wrote to a free block");
        self.cached = List { head: next, count: self.cached.count - 1 };
        // SAFETY: the block is in no list any more.
        unsafe { Block::hand_out(block) };
        Some(block.cast())
    }

    fn open_slab(&mut self) -> Option<&'static Slab> {
        let slab = self.arena.take_slab(&CLASS, false, &self.metadata, || false)?;
        // The blocks' bin: nobody asks for it here. A heap with caches enters the address of one of them.
        // SAFETY: the slab was taken just now, and nobody follows the address.
        unsafe { slab.register(std::ptr::from_ref(&CLASS).addr()) };
        self.slab = Some(slab);
        Some(slab)
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It is of this pool, and not used any more.
    pub unsafe fn free(&mut self, block: *mut u8) {
        let (_, slab) = Slab::of(page_map::entry(block.addr())).expect("the block is a slab's");
        // SAFETY: the block is this slab's, and nobody else has it.
        let given = unsafe { slab.give(block.cast(), block.cast(), 1, KEY) };
        given.expect("no block is freed twice");
        if slab.used() == 0 {
            self.slab = self.slab.filter(|open| !std::ptr::eq(*open, slab));
            // SAFETY: no block of the slab is used, and the pool has forgotten it.
            unsafe {
                slab.unregister();
                self.arena.give_slab(slab);
            }
        }
    }

    /// Returns how many bytes are in slabs.
    pub fn in_slabs(&self) -> usize {
        self.arena.stats().in_slabs
    }
}
