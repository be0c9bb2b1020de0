//! Time per operation as the work grows: over the number of live blocks, and over the number of threads.
//!
//! An operation is a block freed and another one allocated in its place, its first and last byte written; sizes 16 to 128
//! bytes. *live*: one thread, a random place out of as many as there are live blocks. *threads*: each thread has 1,000
//! places; one block in eight is not freed but left for others, and what another one left in that place is freed instead.

use crate::block::Block;
use crate::random::Random;
use crate::report;
use crate::threads;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

/// Something that can grow, through which counts, and how one count is measured.
struct Series {
    name: &'static str,
    counts: &'static [usize],
    measure: fn(usize) -> f64,
}

const SERIES: [Series; 2] = [
    Series { name: "live blocks", counts: &[1_000, 10_000, 100_000, 1_000_000, 10_000_000], measure: live },
    Series { name: "threads", counts: &[1, 2, 4, 8, 16, 32, 64], measure: in_threads },
];

/// At least so many operations are timed, and each place is filled anew about once at least.
const OPERATIONS: usize = 4_000_000;
const PLACES: usize = 1_000;
const EXCHANGED: usize = 8;

/// Prints the series and their points.
pub fn list() {
    for Series { name, counts, .. } in &SERIES {
        counts.iter().for_each(|count| println!("{name}\t{count}"));
    }
}

/// Measures the point `count` of the series `name`. False if there is no such series.
pub fn run(name: &str, count: usize) -> bool {
    let Some(series) = SERIES.iter().find(|series| series.name == name) else { return false };
    report::note("nanoseconds", format_args!("{:.2}", (series.measure)(count)));
    true
}

fn block(random: &mut Random) -> Block {
    Block::new(random.between(16, 128))
}

/// Nanoseconds per operation with `count` live blocks.
fn live(count: usize) -> f64 {
    let mut random = Random::new(1);
    let mut blocks: Vec<Block> = (0..count).map(|_| block(&mut random)).collect();
    let operations = OPERATIONS.max(count);
    let ((), time) = report::timed(|| {
        for _ in 0..operations {
            let place = random.below(count);
            blocks[place] = block(&mut random);
        }
    });
    nanoseconds(time, operations)
}

/// Nanoseconds of the whole process's time per operation, with `count` threads.
fn in_threads(count: usize) -> f64 {
    let shelf: Vec<AtomicPtr<u8>> = (0..PLACES).map(|_| AtomicPtr::new(null_mut())).collect();
    let ready = Barrier::new(count);
    let started = Mutex::new(None);
    let operations = OPERATIONS / count;
    threads::run(count, |number| {
        let mut random = Random::new(number as u64);
        let mut blocks: Vec<Block> = (0..PLACES).map(|_| block(&mut random)).collect();
        ready.wait();
        started.lock().expect("no thread panics").get_or_insert_with(Instant::now);
        for _ in 0..operations {
            let old = std::mem::replace(&mut blocks[random.below(PLACES)], block(&mut random));
            if random.once_in(EXCHANGED) {
                drop(exchange(old, &shelf[random.below(PLACES)]));
            }
        }
    });
    let time = started.into_inner().expect("no thread panics").map_or(Duration::ZERO, |start: Instant| start.elapsed());
    shelf.iter().for_each(|place| drop(take(place, null_mut())));
    nanoseconds(time, operations * count)
}

/// Leaves a block for others, and takes what one of them left.
fn exchange(block: Block, place: &AtomicPtr<u8>) -> Option<Block> {
    take(place, block.into_raw())
}

fn take(place: &AtomicPtr<u8>, leave: *mut u8) -> Option<Block> {
    // Acquire and release: whoever takes a block sees what was written to it.
    let left = place.swap(leave, Ordering::AcqRel);
    // SAFETY: the address of a block that was left here, and the swap gave it to this thread alone.
    (!left.is_null()).then(|| unsafe { Block::from_raw(left) })
}

fn nanoseconds(time: Duration, operations: usize) -> f64 {
    time.as_secs_f64() * 1e9 / operations as f64
}
