//! The central list: blocks come from its slabs once and go back, in lists of any order; empty slabs stay as many as may.
#![no_main]

use arbitrary::Arbitrary;
use std::collections::{BTreeMap, BTreeSet};
use xalloc_blocks::central_list::CentralList;
use xalloc_blocks::lock_policy::OsLock;
use xalloc_blocks::size_class::Class;
use xalloc_blocks::slab::Slab;
use xalloc_fuzz::slabs::{self, KEY};

const MOST_SLABS: usize = 16;

#[derive(Arbitrary, Debug)]
enum Operation {
    Add,
    TakeBlocks,
    /// Gives back so many blocks that were taken, from one on, every so-manyth.
    Give {
        first: u16,
        count: u8,
        step: u8,
        keep: u8,
    },
    TakeSlab,
    TakeEmpty,
}

struct Model {
    central: CentralList<OsLock>,
    class: &'static Class,
    slabs: BTreeMap<usize, &'static Slab>,
    /// Blocks that were taken, in that order.
    taken: Vec<usize>,
}

libfuzzer_sys::fuzz_target!(|input: (u8, Vec<Operation>)| {
    let (class, operations) = input;
    let model =
        Model { central: CentralList::new(), class: slabs::class(class), slabs: BTreeMap::new(), taken: Vec::new() };
    // The page map has its address.
    let mut model = Box::new(model);
    for operation in operations {
        model.step(operation);
        model.check();
    }
    // SAFETY: the list and all blocks are forgotten.
    model.slabs.values().for_each(|slab| unsafe { slabs::close(slab) });
});

impl Model {
    fn step(&mut self, operation: Operation) {
        match operation {
            Operation::Add if self.slabs.len() < MOST_SLABS => {
                let slab = slabs::open(self.class);
                self.slabs.insert(slab.start(), slab);
                // SAFETY: a fresh slab of the class; the list stays where it is as long as the slab.
                assert!(unsafe { self.central.add(slab, MOST_SLABS) }.is_none());
            }
            Operation::Add => {}
            Operation::TakeBlocks => self.take_blocks(),
            Operation::Give { first, count, step, keep } => {
                self.give(first as usize, count as usize, step, keep as usize % 4)
            }
            Operation::TakeSlab => {
                // SAFETY: no block of the slab is freed into a bin.
                if let Some(slab) = unsafe { self.central.take_slab(slabs::CLASSES * 64) } {
                    self.taken.retain(|&block| !slab.contains(block));
                    self.left(slab);
                }
            }
            Operation::TakeEmpty => {
                let empty = self.slabs.values().any(|slab| slab.used() == 0);
                let taken = self.central.take_empty();
                assert_eq!(taken.is_some(), empty);
                taken.into_iter().for_each(|slab| self.left_empty(slab));
            }
        }
    }

    fn take_blocks(&mut self) {
        let before: BTreeSet<usize> = self.taken.iter().copied().collect();
        let Some(list) = self.central.take_blocks(KEY) else {
            return assert!(self.slabs.values().all(|slab| slab.is_exhausted()), "there was a block");
        };
        for block in slabs::blocks(list) {
            let slab = self.slabs.range(..=block).next_back().expect("a slab of the list").1;
            assert!(slab.is_block(block) && !before.contains(&block), "{block:#x} is handed out twice");
            self.taken.push(block);
        }
    }

    fn give(&mut self, first: usize, count: usize, step: u8, keep: usize) {
        let start = first % self.taken.len().max(1);
        let given: Vec<usize> =
            self.taken.iter().copied().skip(start).step_by(step as usize % 16 + 1).take(count).collect();
        let set: BTreeSet<usize> = given.iter().copied().collect();
        self.taken.retain(|block| !set.contains(block));
        let (mut emptied, before) = (Vec::new(), self.empty());
        // SAFETY: blocks that were taken, and are given back once.
        let result = unsafe {
            let list = slabs::chain(&given);
            self.central.give_all(list, self.class, keep, KEY, |slab| emptied.push(slab))
        };
        assert_eq!(result, Ok(()));
        emptied.into_iter().for_each(|slab| self.left_empty(slab));
        assert!(self.empty() <= before.max(keep), "too many slabs stay empty");
    }

    /// Returns how many slabs have no block in use.
    fn empty(&self) -> usize {
        self.slabs.values().filter(|slab| slab.used() == 0).count()
    }

    /// Notes that a slab of which no block is used is in the list no more.
    fn left_empty(&mut self, slab: &'static Slab) {
        assert!(slab.used() == 0 && !self.taken.iter().any(|&block| slab.contains(block)));
        self.left(slab);
    }

    fn left(&mut self, slab: &'static Slab) {
        assert!(self.slabs.remove(&slab.start()).is_some(), "it is a slab of the list");
        // SAFETY: it is in no list, and this target uses its blocks no more.
        unsafe { slabs::close(slab) };
    }

    fn check(&self) {
        let used: usize = self.slabs.values().map(|slab| slab.used()).sum();
        assert_eq!(used, self.taken.len());
    }
}
