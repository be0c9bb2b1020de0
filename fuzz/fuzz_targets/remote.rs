//! The remote cache, batches and the remote free list: what is freed comes to the owner once, slab by slab.
#![no_main]

use arbitrary::Arbitrary;
use std::collections::BTreeSet;
use xalloc_blocks::batch::{self, Batch};
use xalloc_blocks::free_list::Block;
use xalloc_blocks::remote::RemoteStack;
use xalloc_blocks::remote_cache::{Chain, RemoteCache};
use xalloc_blocks::slab::Slab;
use xalloc_blocks::sync::AtomicUsize;
use xalloc_fuzz::slabs::{self, KEY, TABLE};

/// Enough for two slabs to meet in a slot now and then, at which nothing may be lost.
const SLABS: usize = 150;

#[derive(Arbitrary, Debug)]
enum Operation {
    /// Frees so many blocks of a slab.
    Free(u8, u8),
    /// Frees a block of each slab: some of them have the same slot.
    FreeOfEach,
    /// Frees the block of a slab that was freed last once more.
    FreeTwice(u8),
    SendAll,
    Drain,
}

struct Model {
    cache: Box<RemoteCache>,
    stack: RemoteStack<Batch>,
    slabs: Vec<Owned>,
}

/// A slab, and its blocks: those in use, in the remote cache, and sent.
struct Owned {
    slab: &'static Slab,
    used: Vec<usize>,
    collected: Vec<usize>,
    sent: BTreeSet<usize>,
}

libfuzzer_sys::fuzz_target!(|input: (u8, Vec<Operation>)| {
    let (count, operations) = input;
    let mut model = Model::new(1 + count as usize % SLABS);
    for operation in operations {
        model.step(operation);
        model.check();
    }
    model.step(Operation::SendAll);
    model.step(Operation::Drain);
    assert!(model.slabs.iter().all(|owned| owned.collected.is_empty() && owned.sent.is_empty()));
    // SAFETY: all blocks are forgotten.
    model.slabs.iter().for_each(|owned| unsafe { slabs::close(owned.slab) });
});

impl Model {
    fn new(slabs: usize) -> Self {
        // SAFETY: zeros are an empty cache.
        let cache = unsafe { Box::<RemoteCache>::new_zeroed().assume_init() };
        let slabs = (0..slabs).map(Owned::new).collect();
        Self { cache, stack: RemoteStack::around(AtomicUsize::new(0)), slabs }
    }

    fn step(&mut self, operation: Operation) {
        match operation {
            Operation::Free(number, many) => (0..many).for_each(|_| self.free(number)),
            Operation::FreeOfEach => (0..self.slabs.len()).for_each(|number| self.free(number as u8)),
            Operation::FreeTwice(number) => self.free_twice(number),
            Operation::SendAll => {
                let chains: Vec<Chain> = self.cache.take_all().collect();
                chains.into_iter().for_each(|chain| self.send(chain));
                assert_eq!(self.cache.bytes(), 0);
            }
            Operation::Drain => self.drain(),
        }
    }

    fn at(&mut self, number: u8) -> &mut Owned {
        let count = self.slabs.len();
        &mut self.slabs[number as usize % count]
    }

    fn free(&mut self, number: u8) {
        let owned = self.at(number);
        let Some(block) = owned.used.pop() else { return };
        owned.collected.push(block);
        let (slab, block) = (owned.slab, block as *mut Block);
        if let Some(open) = self.cache.open(slab, block) {
            // SAFETY: a block of the slab that was in use until now.
            return unsafe { open.add(block, KEY) };
        }
        // SAFETY: as above.
        let due = unsafe { self.cache.add(slab, block, KEY) }.expect("it was in use");
        due.displaced.into_iter().chain(due.full).for_each(|chain| self.send(chain));
    }

    fn free_twice(&mut self, number: u8) {
        let owned = self.at(number);
        let (slab, Some(&last)) = (owned.slab, owned.collected.last()) else { return };
        let block = last as *mut Block;
        assert_eq!(self.cache.last_of(slab), block);
        // SAFETY: refused before anything is written.
        assert!(self.cache.open(slab, block).is_none() && unsafe { self.cache.add(slab, block, KEY) }.is_err());
    }

    fn send(&mut self, chain: Chain) {
        let Chain { slab, head, tail, count } = chain;
        assert!((1..=batch::MOST).contains(&count));
        let owned = self.slabs.iter_mut().find(|owned| std::ptr::eq(owned.slab, slab)).expect("a slab of these");
        let mut collected = std::mem::take(&mut owned.collected);
        assert_eq!((collected.len(), collected.first()), (count, Some(&(tail as usize))));
        collected.reverse();
        assert_eq!(slabs::blocks(xalloc_blocks::free_list::List { head, count }), collected);
        owned.sent.extend(collected);
        let (batch, contents) = (tail.cast::<Batch>(), Batch::of_chain(slab, head, count));
        let (before, bytes) = (self.stack.waiting(), count * slab.shape().size as usize);
        // SAFETY: the chain's last block is this target's until it is taken.
        let waiting =
            unsafe { self.stack.push(batch, bytes, |link| Batch::write(batch, contents.linked_to(link), KEY)) };
        assert!(
            waiting >= before && (waiting >= before + bytes || waiting >= (8 << 20) - 128),
            "{before} {bytes} {waiting}"
        );
    }

    fn drain(&mut self) {
        let mut batch = self.stack.take_all();
        assert!(self.stack.is_empty() && self.stack.waiting() == 0);
        while !batch.is_null() {
            let address = batch as usize;
            let owned = self.slabs.iter_mut().find(|owned| owned.slab.contains(address)).expect("a slab of these");
            // SAFETY: a batch that was sent, and is this target's again.
            let contents = unsafe { Batch::contents(batch, KEY) }.expect("nobody wrote to it");
            let mut block = contents.first(owned.slab);
            for index in 0..contents.count {
                assert!(owned.sent.remove(&(block as usize)), "{block:p} comes twice, or was not sent");
                owned.used.push(block as usize);
                assert_eq!(index + 1 == contents.count, block as usize == address, "the batch is its last block");
                if block as usize != address {
                    // SAFETY: a block of the chain.
                    block = unsafe { Block::next(block, KEY) }.expect("nobody wrote to it");
                }
            }
            batch = contents.link;
        }
        assert!(self.slabs.iter().all(|owned| owned.sent.is_empty()), "something was not delivered");
    }

    fn check(&self) {
        let bytes = |owned: &Owned| owned.collected.len() * owned.slab.shape().size as usize;
        assert_eq!(self.cache.bytes(), self.slabs.iter().map(bytes).sum());
        assert_eq!(self.stack.is_empty(), self.slabs.iter().all(|owned| owned.sent.is_empty()));
        assert_eq!(self.stack.is_empty(), self.stack.peek().is_null());
    }
}

impl Owned {
    /// A slab of one of the classes, with some of its blocks in use.
    fn new(number: usize) -> Self {
        let slab = slabs::open(&TABLE[1 + number % 3]);
        // SAFETY: a slab of this target's own; blocks in use do not look free.
        let used = unsafe {
            let used = slabs::blocks(slab.take(KEY).expect("it is fresh"));
            used.iter().for_each(|&block| Block::hand_out(block as *mut Block));
            used
        };
        Self { slab, used, collected: Vec::new(), sent: BTreeSet::new() }
    }
}
