//! Slabs and the set of them: blocks come from slabs once, and go back; a slab that is empty is the caller's when it has to go.
#![no_main]

use arbitrary::Arbitrary;
use std::collections::{BTreeMap, BTreeSet};
use xalloc_blocks::free_list::Block;
use xalloc_blocks::size_class::Class;
use xalloc_blocks::slab::Slab;
use xalloc_blocks::slab_set::SlabSet;
use xalloc_fuzz::slabs::{self, CLASSES, KEY};

const MOST_SLABS: usize = 24;

#[derive(Arbitrary, Debug)]
enum Operation {
    Add(u8),
    Collect(u8),
    /// Gives back so many blocks of a slab, from one on.
    Give(u8, u16, u16, bool),
    TakeEmpty(u8),
    TakePartial(u8),
    /// Gives back more blocks than are used.
    GiveTooMany(u8),
}

/// The slabs of the set by their addresses, each with its blocks in use.
#[derive(Default)]
struct Model {
    slabs: BTreeMap<usize, (&'static Slab, BTreeSet<usize>)>,
    /// From which index on a slab of the class has no block in use.
    bounds: [usize; CLASSES],
}

libfuzzer_sys::fuzz_target!(|operations: Vec<Operation>| {
    // SAFETY: zeros are a set of no slabs.
    let set = unsafe { Box::<SlabSet<CLASSES>>::new_zeroed().assume_init() };
    let mut model = Model::default();
    for operation in operations {
        model.step(&set, operation);
        model.check(&set);
    }
    // SAFETY: nothing of the set is used any more.
    model.slabs.values().for_each(|(slab, _)| unsafe { slabs::close(slab) });
});

impl Model {
    fn step(&mut self, set: &SlabSet<CLASSES>, operation: Operation) {
        match operation {
            Operation::Add(class) if self.slabs.len() < MOST_SLABS => {
                let slab = slabs::open(slabs::class(class));
                // SAFETY: a fresh slab.
                unsafe { set.add(slab) };
                self.slabs.insert(slab.start(), (slab, BTreeSet::new()));
            }
            Operation::Add(_) => {}
            Operation::Collect(class) => self.collect(set, slabs::class(class)),
            Operation::Give(which, first, count, may_keep) => self.give(set, which, (first, count), may_keep),
            Operation::TakeEmpty(class) => {
                let taken = set.take_empty(slabs::class(class));
                taken.into_iter().for_each(|slab| self.left_empty(slab));
            }
            Operation::TakePartial(class) => {
                if let Some(slab) = set.take_partial(slabs::class(class)) {
                    self.left(slab);
                }
            }
            Operation::GiveTooMany(which) => {
                let Some((slab, used)) = self.pick(which) else { return };
                let block = slab.start() as *mut Block;
                // SAFETY: refused before anything is written.
                let given = unsafe { set.give(slab, (block, block), used.len() + 1, true, KEY) };
                assert!(given.is_err());
            }
        }
    }

    fn pick(&mut self, which: u8) -> Option<(&'static Slab, &mut BTreeSet<usize>)> {
        let count = self.slabs.len().max(1);
        self.slabs.values_mut().nth(which as usize % count).map(|(slab, used)| (*slab, used))
    }

    fn collect(&mut self, set: &SlabSet<CLASSES>, class: &'static Class) {
        let collected = set.collect(class, KEY);
        assert!(collected.overwritten.is_none());
        self.bounds[class.number as usize] = collected.bound.unwrap_or(self.bounds[class.number as usize]);
        let Some(list) = collected.list else {
            let is_full = |slab: &Slab| slab.shape() != class || slab.is_exhausted();
            return assert!(self.slabs.values().all(|(slab, _)| is_full(slab)), "there was a block");
        };
        for block in slabs::blocks(list) {
            let (_, (slab, used)) = self.slabs.range_mut(..=block).next_back().expect("a slab of the set");
            assert!(slab.contains(block) && slab.shape() == class && slab.is_block(block));
            assert!(used.insert(block), "{block:#x} is handed out twice");
            assert!(slabs::index(slab, block) < self.bounds[class.number as usize], "{block:#x} is behind the bound");
        }
    }

    fn give(&mut self, set: &SlabSet<CLASSES>, which: u8, (first, count): (u16, u16), may_keep: bool) {
        let Some((slab, used)) = self.pick(which) else { return };
        let blocks: Vec<usize> =
            used.iter().copied().skip(first as usize % used.len().max(1)).take(count as usize).collect();
        let (Some(&head), Some(&tail)) = (blocks.first(), blocks.last()) else { return };
        blocks.iter().for_each(|block| assert!(used.remove(block)));
        let is_empty = used.is_empty();
        // SAFETY: blocks of the slab that were handed out, and are given back once.
        let has_to_go = unsafe {
            let chain = slabs::chain(&blocks);
            assert_eq!((chain.head as usize, chain.count), (head, blocks.len()));
            set.give(slab, (chain.head, tail as *mut Block), blocks.len(), may_keep, KEY)
        };
        let has_to_go = has_to_go.expect("so many are used");
        assert!(is_empty || !has_to_go, "blocks of it are used");
        assert!(!is_empty || has_to_go || may_keep, "it may not stay");
        if has_to_go {
            self.left_empty(slab);
        }
    }

    /// Notes that a slab of which no block is used is in the set no more.
    fn left_empty(&mut self, slab: &'static Slab) {
        assert!(self.slabs[&slab.start()].1.is_empty());
        self.left(slab);
    }

    fn left(&mut self, slab: &'static Slab) {
        assert!(self.slabs.remove(&slab.start()).is_some(), "it is a slab of the set");
        // SAFETY: it is in no set, and this target uses its blocks no more.
        unsafe { slabs::close(slab) };
    }

    fn check(&self, set: &SlabSet<CLASSES>) {
        let slices: usize = self.slabs.values().map(|(slab, _)| slab.shape().slices as usize).sum();
        assert_eq!(set.slices(), slices);
        self.slabs.values().for_each(|(slab, used)| assert_eq!(slab.used(), used.len()));
        for class in &slabs::TABLE[1..] {
            let has = self.slabs.values().any(|(slab, _)| slab.shape() == class);
            assert!(!has || set.has(class), "the set has a slab of the class");
        }
    }
}
