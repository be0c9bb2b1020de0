//! Local heaps: the blocks of all of them are apart, aligned and whole until they are freed or their heap is dropped; each heap
//! tells its blocks from all else.
#![no_main]

use arbitrary::Arbitrary;
use std::collections::{BTreeMap, BTreeSet};
use xalloc_blocks::page_map::{self, Entry};
use xalloc_fuzz::Size;
use xalloc_fuzz::shadow::Shadow;
use xalloc_heaps::local::LocalHeap;
use xalloc_heaps::pow2::LocalPow2;

/// More than so many bytes are not held at a time.
const MOST: usize = 128 << 20;
const HEAPS: usize = 4;

#[derive(Arbitrary, Debug)]
enum Operation {
    Malloc(u8, Size),
    /// Many blocks of one size.
    MallocMany(u8, Size, u8),
    Calloc(u8, Size),
    Memalign(u8, Size, u8),
    Realloc(u16, Size),
    Free(u16),
    FreeMany(u16, u8),
    /// Frees a block twice: the second one must be refused.
    FreeTwice(u16),
    /// Frees an address inside of a block: it must be refused.
    FreeInside(u16, usize),
    /// Frees a block of another heap: it must be refused.
    FreeElsewhere(u16, u8),
    /// Asks a heap about any address.
    Ask(u8, usize),
    Drop(u8),
    Check,
}

#[derive(Default)]
struct Program {
    heaps: [Option<LocalHeap<LocalPow2>>; HEAPS],
    live: Shadow,
    /// Which heap a block is of.
    owners: BTreeMap<usize, usize>,
    /// Where blocks have been.
    seen: BTreeSet<usize>,
}

libfuzzer_sys::fuzz_target!(|operations: Vec<Operation>| {
    let mut program = Program::default();
    operations.into_iter().for_each(|operation| program.step(operation));
    (0..HEAPS).for_each(|number| program.drop_heap(number));
    assert_eq!((program.live.count(), program.live.bytes()), (0, 0));
    let is_left = |address: &&usize| page_map::entry(**address).kind() != Entry::NONE.kind();
    assert_eq!(program.seen.iter().find(is_left), None, "no heap is left, but memory of one");
});

impl Program {
    fn step(&mut self, operation: Operation) {
        match operation {
            Operation::Malloc(number, Size(size)) => self.allocate(number, size, 16, |heap| heap.malloc(size)),
            Operation::MallocMany(number, Size(size), count) => {
                let size = size.min(40 << 10);
                (0..count).for_each(|_| self.allocate(number, size, 16, |heap| heap.malloc(size)));
            }
            Operation::Calloc(number, Size(size)) => self.allocate(number, size, 16, |heap| {
                let block = heap.calloc(size);
                // SAFETY: a block that was just handed out.
                let bytes = unsafe { core::slice::from_raw_parts(block, size) };
                assert!(bytes.iter().all(|&byte| byte == 0), "calloc of {size} bytes does not read as zeros");
                block
            }),
            Operation::Memalign(number, Size(size), shift) => {
                let align = 1 << (shift % 22);
                self.allocate(number, size, align, |heap| heap.memalign(align, size));
            }
            Operation::Realloc(which, Size(size)) => self.realloc(which, size.max(1)),
            Operation::Free(which) => self.free(which).map_or((), |_| ()),
            Operation::FreeMany(first, count) => (0..count).for_each(|_| self.free(first).map_or((), |_| ())),
            Operation::FreeTwice(which) => {
                if let Some((block, number)) = self.free(which) {
                    self.must_refuse(number, block);
                }
            }
            Operation::FreeInside(which, offset) => {
                let Some(block) = self.live.pick(which) else { return };
                self.must_refuse(self.owners[&block], block + offset % (self.live.usable(block) - 1) + 1);
            }
            Operation::FreeElsewhere(which, number) => {
                let Some(block) = self.live.pick(which) else { return };
                let number = number as usize % HEAPS;
                if number != self.owners[&block] {
                    self.must_refuse(number, block);
                }
            }
            Operation::Ask(number, address) => {
                let number = number as usize % HEAPS;
                let is_its = self.owners.get(&address) == Some(&number);
                let size = self.heap(number).usable_size(address as *mut u8);
                assert_eq!(size.ok(), is_its.then(|| self.live.usable(address)), "of {address:#x}");
            }
            Operation::Drop(number) => self.drop_heap(number as usize % HEAPS),
            Operation::Check => self.live.check_all(),
        }
    }

    fn heap(&mut self, number: usize) -> &LocalHeap<LocalPow2> {
        self.heaps[number].get_or_insert_with(|| LocalHeap::new().expect("there is memory"))
    }

    fn allocate(&mut self, number: u8, size: usize, align: usize, f: impl FnOnce(&LocalHeap<LocalPow2>) -> *mut u8) {
        if self.live.bytes() + size + align > MOST {
            return;
        }
        let number = number as usize % HEAPS;
        let heap = self.heap(number);
        let block = f(heap);
        assert!(!block.is_null(), "there is memory");
        let usable = heap.usable_size(block).expect("it is a block");
        assert!(usable >= size, "{usable} bytes for a request of {size}");
        self.live.add(block as usize, usable, align.max(16));
        self.own(block as usize, number);
    }

    fn own(&mut self, block: usize, number: usize) {
        self.owners.insert(block, number);
        self.seen.insert(block);
    }

    fn realloc(&mut self, which: u16, size: usize) {
        let Some(block) = self.live.pick(which) else { return };
        if self.live.bytes() + 2 * size > MOST {
            return;
        }
        let number = self.owners.remove(&block).expect("a block that lives");
        let heap = self.heap(number);
        // SAFETY: a block that lives, and is the program's.
        let new = unsafe { heap.realloc(block as *mut u8, size) }.expect("it is a block");
        let usable = heap.usable_size(new).expect("it is a block");
        assert!(usable >= size, "{usable} bytes for a request of {size}");
        self.live.resize(block, size, (new as usize, usable), 16);
        self.own(new as usize, number);
    }

    /// Frees a block. Returns where it was, and which heap's.
    fn free(&mut self, which: u16) -> Option<(usize, usize)> {
        let block = self.live.pick(which)?;
        let number = self.owners.remove(&block).expect("a block that lives");
        let usable = self.live.remove(block);
        let heap = self.heap(number);
        assert_eq!(heap.usable_size(block as *mut u8), Ok(usable));
        // SAFETY: a block that lived until now.
        assert_eq!(unsafe { heap.free(block as *mut u8) }, Ok(()));
        Some((block, number))
    }

    /// Frees an address where the heap has no block.
    fn must_refuse(&mut self, number: usize, address: usize) {
        // SAFETY: the heap can tell it from a block.
        let refusal = unsafe { self.heap(number).free(address as *mut u8) };
        assert!(refusal.is_err(), "{address:#x} is no block of the heap");
    }

    /// Drops a heap with its blocks, which must have kept their contents.
    fn drop_heap(&mut self, number: usize) {
        let blocks: Vec<usize> =
            self.owners.iter().filter(|(_, owner)| **owner == number).map(|(&block, _)| block).collect();
        for block in blocks {
            self.live.remove(block);
            self.owners.remove(&block);
        }
        self.heaps[number] = None;
    }
}
