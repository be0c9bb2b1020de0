//! One misuse a run, as `tests/fixtures/misuse_kinds.h` has them, by Rust's own functions: `KIND SIZE`. Prints the pointer and the
//! usable size of its block before; `kinds` as the argument lists them.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::hint::black_box;
use std::thread;

#[global_allocator]
static ALLOCATOR: xalloc_global::Xalloc = xalloc_global::Xalloc;

/// A block whose every use is a mistake sooner or later: nothing about it may be known to the compiler.
#[derive(Clone, Copy)]
struct Block {
    address: usize,
    layout: Layout,
}

impl Block {
    fn new(layout: Layout) -> Self {
        // SAFETY: no size here is 0.
        let block = unsafe { alloc(layout) };
        assert!(!block.is_null());
        // SAFETY: a fresh block of that size.
        unsafe { block.write_bytes(0x11, layout.size()) };
        Self { address: black_box(block) as usize, layout }
    }

    fn usable(self) -> usize {
        ALLOCATOR.good_size(self.layout.size())
    }

    fn free(self) {
        // SAFETY: none: that is what is tested. The heap must notice it.
        unsafe { dealloc(black_box(self.address) as *mut u8, self.layout) };
    }

    fn free_elsewhere(self) {
        thread::spawn(move || self.free()).join().unwrap();
    }

    fn resize(self, size: usize) {
        // SAFETY: as for `free`.
        black_box(unsafe { realloc(black_box(self.address) as *mut u8, self.layout, size) });
    }

    /// Says what will be misused.
    fn announced(self, offset: usize) -> Self {
        let block = Self { address: self.address + offset, ..self };
        println!("{:#x} {}", block.address, self.usable());
        block
    }

    /// Writes to the first word, whoever holds the block.
    fn scribble(self) {
        // SAFETY: memory of the heap, which stays mapped.
        unsafe { (black_box(self.address) as *mut usize).write_volatile(0x1234) };
    }
}

fn twice(block: Block) {
    block.free();
    block.announced(0).free();
}

fn a_b_a(block: Block) {
    let other = Block::new(block.layout);
    block.free();
    other.free();
    block.announced(0).free();
}

fn after_a_hundred(block: Block) {
    let others: Vec<Block> =
        (0..if block.layout.size() > 600_000 { 20 } else { 100 }).map(|_| Block::new(block.layout)).collect();
    block.free();
    others.iter().for_each(|other| other.free());
    block.announced(0).free();
}

fn elsewhere_then_here(block: Block) {
    block.free_elsewhere();
    block.announced(0).free();
}

fn realloc_after_free(block: Block) {
    block.free();
    block.announced(0).resize(block.layout.size() * 2);
}

fn interior_8(block: Block) {
    block.announced(8).free();
}

fn interior_middle(block: Block) {
    block.announced(block.usable() / 2 / 16 * 16 + 8).free();
}

fn realloc_interior(block: Block) {
    block.announced(8).resize(block.layout.size() * 2);
}

fn overwrite_link(block: Block) {
    let other = Block::new(block.layout);
    other.free();
    block.announced(0);
    block.free();
    block.scribble();
    black_box([Block::new(block.layout), Block::new(block.layout)]);
}

fn never_written(block: Block) {
    block.announced(0);
    for _ in 0..3 {
        // SAFETY: no size here is 0; each block is freed once, with its layout.
        let blocks: Vec<*mut u8> = (0..64).map(|_| unsafe { alloc(block.layout) }).collect();
        // SAFETY: as above.
        blocks.into_iter().for_each(|one| unsafe { dealloc(black_box(one), block.layout) });
    }
    block.free();
}

type Kind = (&'static str, fn(Block));

const KINDS: [Kind; 10] = [
    ("twice", twice),
    ("a_b_a", a_b_a),
    ("after_a_hundred", after_a_hundred),
    ("elsewhere_then_here", elsewhere_then_here),
    ("realloc_after_free", realloc_after_free),
    ("interior_8", interior_8),
    ("interior_middle", interior_middle),
    ("realloc_interior", realloc_interior),
    ("overwrite_link", overwrite_link),
    ("never_written", never_written),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, wanted, rest @ ..] = arguments.as_slice() else { panic!("usage: KIND SIZE") };
    let Some(size) = rest.first() else {
        return KINDS.iter().for_each(|(name, _)| println!("{name}"));
    };
    // The buffer of the standard output is made now, not of a block that was just freed.
    println!("{wanted}");
    let layout = Layout::from_size_align(size.parse().expect("a size"), 1).expect("a layout");
    let (_, make) = KINDS.iter().find(|(name, _)| name == wanted).expect("a kind");
    make(Block::new(layout));
}
