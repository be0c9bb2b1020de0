//! metamalloc's four benchmarks, after their published description.
//!
//! *local*: one thread, 37 small sizes 1,000 times over; all allocated, then half freed in order, the rest in reverse.
//! Only malloc and free are timed. *local-warm*: the same after a first round, so that no page is touched for the first
//! time. *locality*: a million objects of 32 bytes, read and written in the order of their allocation. *exchange* and
//! *memory*: threads that allocate, write and check blocks of 16 to 2,048 bytes, and free those of another thread while
//! that one still allocates; *memory* reports how much address space the process has left.

use crate::block::Block;
use crate::report;
use crate::threads;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::time::Duration;

const SIZES: [usize; 37] = [
    32, 16, 32, 16, 16, 16, 32, 64, 32, 12, 14, 8, 20, 22, 23, 27, 35, 96, 128, 100, 256, 512, 1024, 40, 50, 43, 74,
    2048, 1500, 29, 7, 41, 77, 60, 80, 84, 106,
];
const TIMES: usize = 1000;

pub fn local() {
    let (allocate, free) = local_round(&mut room());
    report_local(allocate, free);
}

pub fn local_warm() {
    let mut blocks = room();
    local_round(&mut blocks);
    let (allocate, free) = local_round(&mut blocks);
    report_local(allocate, free);
}

fn report_local(allocate: Duration, free: Duration) {
    report::time(allocate + free);
    report::note("allocate_us", allocate.as_micros());
    report::note("free_us", free.as_micros());
    report::note("blocks_per_us", (SIZES.len() * TIMES) as u128 / (allocate + free).as_micros().max(1));
}

/// Room for all blocks, touched, so that no page of it is part of what is timed.
fn room() -> Vec<Option<Block>> {
    let mut blocks: Vec<Option<Block>> = Vec::new();
    blocks.resize_with(SIZES.len() * TIMES, || Some(Block::untouched(1)));
    blocks.fill_with(|| None);
    blocks
}

fn local_round(blocks: &mut [Option<Block>]) -> (Duration, Duration) {
    let ((), allocate) = report::timed(|| {
        for (block, &size) in blocks.iter_mut().zip(SIZES.iter().cycle()) {
            *block = Some(Block::untouched(size));
        }
    });
    for (block, &size) in blocks.iter_mut().zip(SIZES.iter().cycle()) {
        *block = block.take().map(|block| check(block, size));
    }
    let half = blocks.len() / 2;
    let ((), free) = report::timed(|| {
        blocks[..half].iter_mut().for_each(|block| *block = None);
        blocks[half..].iter_mut().rev().for_each(|block| *block = None);
    });
    (allocate, free)
}

/// Writes the start of a block and reads it back.
fn check(block: Block, size: usize) -> Block {
    let start = block.into_raw();
    // SAFETY: the first bytes of a block of that size; the block is put together again at once.
    unsafe {
        let length = size.min(8);
        start.write_bytes(size as u8, length);
        assert!((0..length).all(|index| start.add(index).read_volatile() == size as u8));
        Block::from_raw(start)
    }
}

const OBJECTS: usize = 1_024_000;
const ITERATIONS: usize = 100;

pub fn locality() {
    let objects: Vec<*mut [u64; 4]> = (0..OBJECTS).map(|_| Block::untouched(32).into_raw().cast()).collect();
    let mut times: Vec<f64> =
        (0..ITERATIONS).map(|_| report::timed(|| locality_pass(&objects)).1.as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    report::time(Duration::from_secs_f64(report::percentile(&times, 50.0)));
    for percent in [50.0, 75.0, 90.0, 95.0, 99.0] {
        report::note(&format!("p{percent}_us"), (report::percentile(&times, percent) * 1e6) as u64);
    }
    for object in objects {
        // SAFETY: it was a block's address, and only this array has it.
        drop(unsafe { Block::from_raw(object.cast()) });
    }
}

fn locality_pass(objects: &[*mut [u64; 4]]) {
    let (mut matches, mut sum) = (0u64, 0u64);
    for (index, &object) in (0u64..).zip(objects) {
        // SAFETY: a live block of 32 bytes, aligned to 16.
        let object = unsafe { &mut *object };
        for (member, value) in object.iter_mut().zip(index + 1..) {
            *member = value - 1 + u64::from(black_box(false));
            matches += u64::from(*member == value - 1);
        }
    }
    for &object in objects {
        // SAFETY: as above.
        let object = unsafe { &*object };
        for &member in object {
            if object[0] + object[2] > 4 || object[1] + object[3] > 5 {
                sum = sum.wrapping_add(member);
            }
        }
    }
    black_box((matches, sum));
}

/// The number of blocks of each size, to be multiplied with the scale.
const MIX: [(usize, usize); 8] =
    [(16, 4089), (32, 2044), (64, 1022), (128, 511), (256, 255), (512, 127), (1024, 63), (2048, 31)];
const EXCHANGE: (usize, usize) = (4, 50);
const MEMORY: (usize, usize) = (16, 25);
const ALL: usize = 8142;

struct Entry {
    block: AtomicPtr<u8>,
    allocated: AtomicBool,
    freed: AtomicBool,
}

impl Entry {
    const fn empty() -> Self {
        Self {
            block: AtomicPtr::new(std::ptr::null_mut()),
            allocated: AtomicBool::new(false),
            freed: AtomicBool::new(false),
        }
    }
}

/// In the program, not in a block, so that the allocator's memory is the blocks'.
static ENTRIES: [Entry; MEMORY.0 * MEMORY.1 * ALL] = [const { Entry::empty() }; MEMORY.0 * MEMORY.1 * ALL];

pub fn exchange() {
    let ((), time) = report::timed(|| exchange_between(EXCHANGE));
    report::time(time);
}

pub fn memory() {
    let before = address_space();
    exchange_between(MEMORY);
    report::note("before_kib", before);
    report::note("after_kib", address_space());
}

fn exchange_between((count, scale): (usize, usize)) {
    let size = scale * ALL;
    let bucket = |number: usize| &ENTRIES[number * size..][..size];
    threads::run(count, |number| {
        let sizes = MIX.iter().flat_map(|&(size, count)| std::iter::repeat_n(size, count * scale));
        for (index, (entry, size)) in bucket(number).iter().zip(sizes).enumerate() {
            let block = Block::filled(size, index as u8);
            // SAFETY: filled just now.
            assert!(unsafe { block.is_filled(size, index as u8) });
            // Relaxed: the flag's store below orders it.
            entry.block.store(block.into_raw(), Ordering::Relaxed);
            // Release: the partner that sees the flag sees the address and the block.
            entry.allocated.store(true, Ordering::Release);
        }
        let mut left = size;
        while left > 0 {
            for entry in bucket(count - 1 - number) {
                // Relaxed: only this thread writes it. Acquire: see the store.
                if !entry.freed.load(Ordering::Relaxed) && entry.allocated.load(Ordering::Acquire) {
                    // SAFETY: the address of a block that its maker gave away. Relaxed: ordered by the flag.
                    drop(unsafe { Block::from_raw(entry.block.load(Ordering::Relaxed)) });
                    // Relaxed: read by this thread, and after it was joined.
                    entry.freed.store(true, Ordering::Relaxed);
                    left -= 1;
                }
            }
        }
    });
    // Relaxed: the threads were joined.
    assert!((0..count).all(|number| bucket(number).iter().all(|entry| entry.freed.load(Ordering::Relaxed))));
}

/// The size of the process's address space in KiB.
fn address_space() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("a line of its own");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
