//! Bins and the thread cache: a bin is a stack, its previous list is what it was when it was full, and the counts are right.
#![no_main]

use arbitrary::Arbitrary;
use xalloc_blocks::cached::Cached;
use xalloc_blocks::free_list::{Block, List};
use xalloc_blocks::slab::Slab;
use xalloc_blocks::thread_cache::ThreadCache;
use xalloc_fuzz::slabs::{self, CELL, CLASSES, KEY, TABLE};

#[derive(Arbitrary, Debug)]
enum Operation {
    Pop(u8),
    PopMany(u8, u8),
    Push(u8),
    PushMany(u8, u8),
    Refill(u8),
    RefillFromPrevious(u8),
    Take(u8),
    TakePrevious(u8),
    Cut(u8, u8),
    Recount(u8),
    RaiseLimit(u8, u32),
    Scan(u8),
    Nudge(u8),
}

/// What a class has: the list and the previous list, with the first block at the end, and blocks that the program holds.
struct Class {
    number: usize,
    slab: &'static Slab,
    list: Vec<usize>,
    previous: Vec<usize>,
    held: Vec<usize>,
}

libfuzzer_sys::fuzz_target!(|operations: Vec<Operation>| {
    // SAFETY: zeros are a cache that was not set up.
    let cache = unsafe { Box::<ThreadCache<CLASSES>>::new_zeroed().assume_init() };
    cache.init(&TABLE);
    let mut classes: Vec<Class> = (1..CLASSES).map(Class::new).collect();
    for operation in operations {
        step(&cache, &mut classes, operation);
        classes.iter().for_each(|class| class.check(&cache));
    }
    let cached = classes.iter().map(Class::cached).sum::<Cached>();
    assert_eq!(cache.all_cached(&TABLE), cached);
    // SAFETY: the cache is forgotten, and all blocks.
    classes.iter().for_each(|class| unsafe { slabs::close(class.slab) });
});

fn at(classes: &mut [Class], number: u8) -> &mut Class {
    let count = classes.len();
    &mut classes[number as usize % count]
}

fn step(cache: &ThreadCache<CLASSES>, classes: &mut [Class], operation: Operation) {
    match operation {
        Operation::Pop(class) => at(classes, class).pop(cache),
        Operation::PopMany(class, many) => (0..many).for_each(|_| at(classes, class).pop(cache)),
        Operation::Push(class) => at(classes, class).push(cache),
        Operation::PushMany(class, many) => (0..many).for_each(|_| at(classes, class).push(cache)),
        Operation::Refill(class) => at(classes, class).refill(cache),
        Operation::RefillFromPrevious(class) => at(classes, class).refill_from_previous(cache),
        Operation::Take(class) => {
            let class = at(classes, class);
            class.took(cache.take(class.number), |class| &mut class.list);
        }
        Operation::TakePrevious(class) => {
            let class = at(classes, class);
            class.took(cache.take_previous(class.number), |class| &mut class.previous);
        }
        Operation::Cut(class, most) => at(classes, class).cut(cache, most as usize + 1),
        Operation::Recount(class) => cache.recount(at(classes, class).number, KEY),
        Operation::RaiseLimit(class, allowance) => {
            let class = &TABLE[at(classes, class).number];
            cache.raise_limit(class, allowance as usize);
        }
        Operation::Scan(busy) => {
            let idle = cache.scan_next(&TABLE, at(classes, busy).number, |_| 0);
            assert_ne!(idle, Some(at(classes, busy).number));
        }
        Operation::Nudge(class) => {
            let class = at(classes, class);
            let (bin, shape) = (cache.bin(class.number), &TABLE[class.number]);
            bin.nudge();
            // SAFETY: the bin is this thread's.
            let is_start = || unsafe { bin.is_start(class.slab.start()) };
            assert!(bin.is_nudged() && (class.slab.start() as u32 == 0 || !is_start()));
            bin.answer_nudge(shape);
            assert!(!bin.is_nudged() && is_start());
        }
    }
}

impl Class {
    fn new(number: usize) -> Self {
        let slab = slabs::open(&TABLE[number]);
        // SAFETY: a slab of this target's own.
        let taken = std::iter::from_fn(|| unsafe { slab.take(KEY) });
        let held = taken.flat_map(slabs::blocks).take(2000).collect();
        Self { number, slab, list: Vec::new(), previous: Vec::new(), held }
    }

    fn pop(&mut self, cache: &ThreadCache<CLASSES>) {
        let block = cache.bin(self.number).pop(&CELL) as usize;
        assert_eq!(block, self.list.pop().unwrap_or(0));
        if block != 0 {
            // SAFETY: a block that was just handed out.
            assert!(!unsafe { Block::looks_free(block as *const Block) });
            self.held.push(block);
        }
    }

    fn push(&mut self, cache: &ThreadCache<CLASSES>) {
        let Some(block) = self.held.pop() else { return };
        let bin = cache.bin(self.number);
        // SAFETY: the bin is this thread's, and the block a held one of its class.
        let has_room = unsafe {
            assert!(bin.is_start(block) && !bin.is_start(block + 8));
            bin.push(block as *mut Block, &CELL)
        };
        self.list.push(block);
        if !has_room {
            let turned = cache.turn(self.number);
            assert_eq!(turned.count, self.list.len());
            self.took(turned.old, |class| &mut class.previous);
            self.previous = std::mem::take(&mut self.list);
        }
    }

    fn refill(&mut self, cache: &ThreadCache<CLASSES>) {
        if self.list.is_empty() && !self.held.is_empty() {
            self.list = std::mem::take(&mut self.held);
            let first_at_the_end: Vec<usize> = self.list.iter().rev().copied().collect();
            // SAFETY: held blocks; the bin's list is empty.
            unsafe { cache.refill(self.number, slabs::chain(&first_at_the_end)) };
        }
    }

    fn refill_from_previous(&mut self, cache: &ThreadCache<CLASSES>) {
        if self.list.is_empty() {
            assert_eq!(cache.refill_from_previous(self.number), !self.previous.is_empty());
            self.list = std::mem::take(&mut self.previous);
        }
    }

    fn cut(&mut self, cache: &ThreadCache<CLASSES>, most: usize) {
        let Some(cut) = cache.cut(self.number, most, KEY) else { return assert!(self.list.is_empty()) };
        let expected = self.list.split_off(self.list.len().saturating_sub(most));
        assert_eq!(slabs::blocks(cut), expected.iter().rev().copied().collect::<Vec<_>>());
        self.held.extend(expected);
    }

    /// Checks that a list is what the model has, and holds its blocks.
    fn took(&mut self, list: List, of: fn(&mut Self) -> &mut Vec<usize>) {
        let expected = std::mem::take(of(self));
        assert_eq!(slabs::blocks(list), expected.iter().rev().copied().collect::<Vec<_>>());
        self.held.extend(expected);
    }

    fn cached(&self) -> Cached {
        let blocks = self.list.len() + self.previous.len();
        Cached { blocks, bytes: blocks * TABLE[self.number].size as usize }
    }

    fn check(&self, cache: &ThreadCache<CLASSES>) {
        let bin = cache.bin(self.number);
        assert_eq!(cache.length(self.number), self.list.len());
        assert_eq!(cache.cached(self.number), self.cached().blocks);
        assert_eq!(bin.head() as usize, self.list.last().copied().unwrap_or(0));
        assert_eq!(bin.previous() as usize, self.previous.last().copied().unwrap_or(0));
    }
}
