use super::classes::CLASSES;
use super::*;
use crate::exercise::{Attached, exercise, exercise_between_threads, free, malloc};
use std::thread;
use xalloc_os::clock;

static HEAP: FastHeap = FastHeap::new();

#[test]
fn blocks_stay_what_they_are() {
    let _attached = Attached::new(&HEAP);
    exercise(&HEAP, 1, 100_000, |_, _| false);
}

#[test]
fn blocks_travel_between_threads() {
    exercise_between_threads(&HEAP);
}

#[test]
fn threads_without_a_heap_are_served() {
    thread::spawn(|| {
        Phase::TornDown.enter();
        exercise(&HEAP, 3, 5_000, |_, _| false);
    })
    .join()
    .unwrap();
}

#[test]
fn short_threads_reuse_what_dead_ones_left() {
    let run = |count| {
        for seed in 0..count {
            thread::spawn(move || {
                let _attached = Attached::new(&HEAP);
                exercise(&HEAP, seed, 500, |_, _| false);
            })
            .join()
            .unwrap();
        }
    };
    run(50);
    let before = HEAP.back_end.arena.stats().reserved;
    run(300);
    // Other tests run beside this one; what would show is a region for each handful of threads.
    assert!(HEAP.back_end.arena.stats().reserved <= before * 16);
}

#[test]
fn calloc_zeroes_what_was_used() {
    let _attached = Attached::new(&HEAP);
    for size in [1, 500, 5000, 40_000, 300_000, 3 << 20] {
        for _ in 0..20 {
            let block = HEAP.calloc(size);
            // SAFETY: a live block of `size` bytes, freed once.
            unsafe {
                assert!(core::slice::from_raw_parts(block, size).iter().all(|&byte| byte == 0));
                block.write_bytes(0xaa, size);
                free(&HEAP, block);
            }
        }
    }
}

#[test]
fn growing_a_huge_block_keeps_its_contents() {
    let _attached = Attached::new(&HEAP);
    let mut block = malloc(&HEAP, 1000);
    let mut size = 1000;
    while size < 100 << 20 {
        // SAFETY: a live block of `size` bytes.
        unsafe {
            *block = 1;
            *block.add(size - 1) = 2;
            block = HEAP.realloc(block, size * 2).unwrap();
            assert_eq!((*block, *block.add(size - 1)), (1, 2));
        }
        size *= 2;
    }
    // SAFETY: a live block.
    unsafe { free(&HEAP, block) };
}

/// A refill may be what makes the heap scan its classes, the refilled one among them.
#[test]
fn what_was_collected_is_not_taken_for_idle() {
    let _attached = Attached::new(&HEAP);
    let Phase::Cached(heap) = Phase::current() else { panic!() };
    // SAFETY: the thread's heap.
    let heap = unsafe { ThreadHeap::of_word(heap) };
    let class = classes::class_of(3000);
    // SAFETY: allocated in the same expression.
    unsafe { free(&HEAP, malloc(&HEAP, 3000)) };
    HEAP.scan(heap, CLASSES - 1, 0);
    HEAP.empty_bin(heap, class);
    // The next block that goes through a slow path makes it poll the clock, and a second is over.
    while !heap.count_slow(1) {}
    assert!(!heap.count_slow(2047));
    heap.note_scan(clock::coarse_milliseconds().wrapping_sub(5000));
    let block = malloc(&HEAP, 3000);
    assert!(!block.is_null());
    // SAFETY: just allocated.
    unsafe { free(&HEAP, block) };
}

#[test]
fn any_address_may_be_asked_for_a_block() {
    let _attached = Attached::new(&HEAP);
    for size in [100, 100_000, 10_000_000] {
        let block = malloc(&HEAP, size);
        let address = block as usize;
        // SAFETY: a live block.
        assert_eq!(HEAP.block_size(address), unsafe { HEAP.usable_size(block) }.unwrap());
        for other in [address + 16, address + size / 2, address | 1 << 56, address | 1 << 63] {
            assert_eq!(HEAP.block_size(other), 0, "{other:#x} of a block of {size} bytes at {address:#x}");
        }
        // SAFETY: a live block.
        unsafe { free(&HEAP, block) };
    }
    for address in [0, 8, usize::MAX, (&raw const HEAP) as usize] {
        assert_eq!(HEAP.block_size(address), 0, "{address:#x}");
    }
}

/// As in a program that is linked with libxalloc.a and makes its threads by `clone`: a thread is attached when it allocates.
#[test]
fn a_thread_without_a_heap_purges_when_it_frees_large_blocks() {
    static HEAP: FastHeap = FastHeap::new();
    HEAP.tune(Tuning { purge_delay: 0, lean: false });
    let allocate = |size| {
        let block = HEAP.malloc(size);
        assert!(!block.is_null());
        block
    };
    // SAFETY: a block of this heap, used by nobody.
    let free = |block| unsafe { HEAP.free(block).unwrap() };
    thread::spawn(move || {
        let large = [(); 4].map(|()| allocate(5 << 20));
        [(); 16].map(|()| allocate(1 << 20)).into_iter().for_each(free);
        let dirty = HEAP.back_end.runs.stats().dirty;
        assert!(HEAP.has_surplus() && dirty > 8 << 20, "{dirty}");
        // Each may purge: the first one notes what is free, a later one purges it.
        large.into_iter().for_each(free);
        let left = HEAP.back_end.runs.stats().dirty;
        assert!(left <= 1 << 20, "{left} of {dirty}");
    })
    .join()
    .unwrap();
}
