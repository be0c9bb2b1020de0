//! Ticks per malloc+free pair: the smallest of many short stretches, because anything that disturbs one makes it longer.
//!
//! `floor` is what calling two functions costs that do nothing but move a pointer: no allocator can be below it.

use crate::random::Random;
use std::ffi::c_void;
use std::hint::black_box;
use std::sync::mpsc::sync_channel;
use std::thread;

/// The functions that are measured, behind pointers, as a program calls those of a shared library.
#[derive(Clone, Copy)]
struct Functions {
    malloc: unsafe extern "C" fn(usize) -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void),
}

/// How many stretches are measured: the quick tests, the ones with a heap of many blocks.
const STRETCHES: usize = 2000;
const HEAP_STRETCHES: usize = 150;

/// Prints a line for each test: its name and ticks per pair.
pub fn run() {
    let functions = Functions { malloc: libc::malloc, free: libc::free };
    print("floor-pair", pair(FLOOR));
    print("floor-lifo-50", batch(FLOOR, 50, true, |_| 64));
    print("pair", pair(functions));
    print("lifo-50", batch(functions, 50, true, |_| 64));
    print("fifo-1000", batch(functions, 1000, false, |_| 64));
    print("classes-1000", batch(functions, 1000, true, |index| 16 + index % 64 * 16));
    print("replace-1k", replace(functions, 1000, 1024));
    print("replace-10k", replace(functions, 10_000, 400));
    print("replace-100k", replace(functions, 100_000, 400));
    print("replace-1m", replace(functions, 1_000_000, 127));
    print("remote-free", remote(functions));
}

fn print(name: &str, ticks: f64) {
    crate::report::note(name, format_args!("{ticks:.1}"));
}

/// The processor's counter.
#[inline(always)]
fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        let mut processor = 0;
        // SAFETY: every x86-64 processor of the last fifteen years has the instruction.
        unsafe { std::arch::x86_64::__rdtscp(&mut processor) }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let count: u64;
        // SAFETY: reading the virtual counter is allowed in user space on Linux and macOS.
        unsafe { std::arch::asm!("isb", "mrs {}, cntvct_el0", out(reg) count, options(nostack)) };
        count
    }
}

/// The smallest number of ticks that one of `stretches` runs of `work` took, for each of its `pairs`.
fn fastest(stretches: usize, pairs: usize, mut work: impl FnMut()) -> f64 {
    let mut least = u64::MAX;
    for _ in 0..stretches {
        let start = ticks();
        work();
        least = least.min(ticks() - start);
    }
    least as f64 / pairs as f64
}

fn pair(functions: Functions) -> f64 {
    let functions = black_box(functions);
    fastest(STRETCHES, 1000, || {
        for _ in 0..1000 {
            // SAFETY: each block is freed once, right after it was allocated.
            unsafe { (functions.free)((functions.malloc)(64)) };
        }
    })
}

fn batch(functions: Functions, count: usize, reverse: bool, size: impl Fn(usize) -> usize) -> f64 {
    let functions = black_box(functions);
    let sizes: Vec<usize> = (0..count).map(size).collect();
    let mut blocks = vec![std::ptr::null_mut(); count];
    fastest(STRETCHES / 4, count, || {
        // SAFETY: each block is freed once.
        unsafe {
            for (block, &size) in blocks.iter_mut().zip(&sizes) {
                *block = (functions.malloc)(size);
            }
            if reverse {
                blocks.iter().rev().for_each(|&block| (functions.free)(block));
            } else {
                blocks.iter().for_each(|&block| (functions.free)(block));
            }
        }
    })
}

/// Frees a random one of `count` live blocks and allocates another one of 1 to `largest` bytes, whose start is written.
fn replace(functions: Functions, count: usize, largest: usize) -> f64 {
    let functions = black_box(functions);
    let mut random = Random::new(count as u64);
    let mut allocate = move || {
        // SAFETY: a block of at least one byte.
        unsafe {
            let block = (functions.malloc)(random.between(1, largest));
            block.cast::<u8>().write_volatile(1);
            block
        }
    };
    let mut blocks: Vec<_> = (0..count).map(|_| allocate()).collect();
    let mut random = Random::new(0);
    let pairs = 4000;
    let mut step = || {
        let slot = &mut blocks[random.below(count)];
        // SAFETY: the slot's block is freed once: another one takes its place.
        unsafe { (functions.free)(*slot) };
        *slot = allocate();
    };
    // Until the heap looks as it will go on looking.
    (0..3 * count).for_each(|_| step());
    let least = fastest(HEAP_STRETCHES.max(count / 1000), pairs, || (0..pairs).for_each(|_| step()));
    for block in blocks {
        // SAFETY: every block once.
        unsafe { (functions.free)(block) };
    }
    least
}

/// One thread allocates 10,000 blocks, another one frees them, by turns: what both together take for a block.
fn remote(functions: Functions) -> f64 {
    const BLOCKS: usize = 10_000;
    let functions = black_box(functions);
    let (send, receive) = sync_channel::<Vec<usize>>(0);
    let (answer, answers) = sync_channel::<(Vec<usize>, u64)>(0);
    let consumer = thread::spawn(move || {
        while let Ok(mut blocks) = receive.recv() {
            let start = ticks();
            for block in blocks.drain(..) {
                // SAFETY: the producer gave the block away.
                unsafe { (functions.free)(block as *mut c_void) };
            }
            let took = ticks() - start;
            answer.send((blocks, took)).expect("the producer waits");
        }
    });
    let mut blocks = Vec::with_capacity(BLOCKS);
    let (mut allocating, mut freeing) = (u64::MAX, u64::MAX);
    for round in 0..HEAP_STRETCHES {
        let start = ticks();
        for index in 0..BLOCKS {
            // SAFETY: a block of at least one byte.
            unsafe {
                let block = (functions.malloc)(16 + index % 8 * 16);
                block.cast::<u8>().write_volatile(1);
                blocks.push(block as usize);
            }
        }
        let took = ticks() - start;
        send.send(blocks).expect("the consumer lives");
        let (empty, freed) = answers.recv().expect("the consumer answers");
        blocks = empty;
        // The first rounds touch fresh pages.
        if round >= 10 {
            allocating = allocating.min(took);
            freeing = freeing.min(freed);
        }
    }
    drop(send);
    consumer.join().expect("it does not panic");
    (allocating + freeing) as f64 / BLOCKS as f64
}

const FLOOR: Functions = Functions { malloc: bump, free: nothing };

/// Moves a pointer around in a page.
unsafe extern "C" fn bump(size: usize) -> *mut c_void {
    static mut PAGE: [u8; 8192] = [0; 8192];
    static mut NEXT: usize = 0;
    // SAFETY: only the measuring thread calls it, and the offset stays in the page.
    unsafe {
        let offset = NEXT;
        NEXT = (offset + size) & 4095;
        (&raw mut PAGE).cast::<u8>().add(offset).cast()
    }
}

unsafe extern "C" fn nothing(block: *mut c_void) {
    black_box(block);
}
