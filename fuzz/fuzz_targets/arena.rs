//! The arena: slabs and chunks are apart, aligned, and whole until they are given back; what it holds is what it says.
#![no_main]

use arbitrary::Arbitrary;
use std::collections::BTreeMap;
use xalloc_blocks::arena::{Arena, CHUNK};
use xalloc_blocks::metadata::Metadata;
use xalloc_blocks::page_map::SLICE;
use xalloc_blocks::slab::Slab;
use xalloc_fuzz::Ages;
use xalloc_fuzz::shadow::Shadow;
use xalloc_fuzz::slabs;

static ARENA: Arena = Arena::new();
static METADATA: Metadata = Metadata::new();

/// More are not held at a time.
const MOST: usize = 64 << 20;

#[derive(Arbitrary, Debug)]
enum Operation {
    TakeSlab { class: u8, fills: bool },
    GiveSlab(u16),
    TakeChunk,
    GiveChunk(u16),
    Purge { surplus: u32, scope: u8 },
    Unmap,
    Ask(usize),
}

#[derive(Default)]
struct Model {
    /// The slices of slabs and chunks.
    live: Shadow,
    slabs: BTreeMap<usize, &'static Slab>,
    chunks: Vec<usize>,
    ages: Ages,
}

libfuzzer_sys::fuzz_target!(|operations: Vec<Operation>| {
    let mut model = Model::default();
    for operation in operations {
        model.step(operation);
        model.check();
    }
    while let Some((_, slab)) = model.slabs.pop_first() {
        model.give_slab(slab);
    }
    while let Some(chunk) = model.chunks.pop() {
        model.give_chunk(chunk);
    }
    model.check();
});

impl Model {
    fn step(&mut self, operation: Operation) {
        let may_take = self.live.bytes() < MOST;
        match operation {
            Operation::TakeSlab { class, fills } if may_take => {
                let slab = ARENA.take_slab(slabs::class(class), fills, &METADATA, || false).expect("memory");
                assert!(slab.shape() == slabs::class(class) && slab.used() == 0 && slab.carved() == 0);
                // A bin finds a block's offset by the lowest bits of its address.
                self.live.add(slab.start(), slab.bytes(), slab.bytes());
                // SAFETY: the slab is this target's, which frees nothing into a bin.
                unsafe { slab.register(0x2000) };
                self.slabs.insert(slab.start(), slab);
            }
            Operation::TakeChunk if may_take => {
                let (base, dirty) = ARENA.take_chunk().expect("memory");
                check_zeros(base, dirty);
                self.live.add(base, CHUNK, CHUNK);
                self.chunks.push(base);
            }
            Operation::TakeSlab { .. } | Operation::TakeChunk => {}
            Operation::GiveSlab(which) => {
                let which = which as usize % self.slabs.len().max(1);
                let Some((&start, _)) = self.slabs.iter().nth(which) else { return };
                let slab = self.slabs.remove(&start).expect("it is there");
                self.give_slab(slab);
            }
            Operation::GiveChunk(which) => {
                if !self.chunks.is_empty() {
                    let chunk = self.chunks.swap_remove(which as usize % self.chunks.len());
                    self.give_chunk(chunk);
                }
            }
            Operation::Purge { surplus, scope } => {
                self.ages.purge((surplus, scope), || ARENA.stats().dirty, |surplus, scope| ARENA.purge(surplus, scope));
            }
            Operation::Unmap => drop(ARENA.unmap()),
            Operation::Ask(address) => {
                let slab = self.slabs.values().any(|slab| slab.contains(address));
                assert!(!slab || ARENA.contains(address));
            }
        }
    }

    fn give_slab(&mut self, slab: &'static Slab) {
        self.live.remove(slab.start());
        // SAFETY: a slab that was taken, is in no list, and of which no block is used.
        unsafe {
            slab.unregister();
            ARENA.give_slab(slab);
        }
    }

    fn give_chunk(&mut self, base: usize) {
        self.live.remove(base);
        // SAFETY: a chunk that was taken, and is not used; all of it was.
        assert!(unsafe { ARENA.give_chunk(base, u64::MAX, &METADATA) });
    }

    fn check(&self) {
        let stats = ARENA.stats();
        assert_eq!(stats.in_slabs, self.slabs.values().map(|slab| slab.bytes()).sum());
        assert!(stats.reserved >= stats.in_slabs + stats.dirty, "{stats:?}");
        let mut found = Vec::new();
        ARENA.for_each_slab(|slab| found.push(slab.start()));
        found.sort_unstable();
        assert!(found.iter().eq(self.slabs.keys()));
        assert!(
            self.slabs
                .values()
                .all(|slab| ARENA.contains(slab.start()) && ARENA.contains(slab.start() + slab.bytes() - 1))
        );
    }
}

/// Checks that the slices of a chunk that may not have pages read as zeros.
fn check_zeros(base: usize, dirty: u64) {
    for slice in (0..64).filter(|slice| dirty >> slice & 1 == 0) {
        // SAFETY: a chunk that was just taken.
        let bytes = unsafe { core::slice::from_raw_parts((base + slice * SLICE) as *const u8, SLICE) };
        assert!(bytes.iter().step_by(509).all(|&byte| byte == 0), "slice {slice} is not of zeros");
    }
}
