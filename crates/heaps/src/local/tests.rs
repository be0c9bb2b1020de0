use super::*;
use crate::exercise::{check, mark};
use crate::pow2::LocalPow2;
use std::vec::Vec;
use xalloc_heap::Misuse;

fn heap() -> LocalHeap<LocalPow2> {
    LocalHeap::new().unwrap()
}

const SIZES: [usize; 7] = [0, 1, 100, 5000, 32 << 10, 100_000, 5 << 20];

#[test]
#[cfg_attr(miri, ignore = "minutes: each reference to a thread heap is one to a thousand words")]
fn blocks_stay_what_they_are_until_they_are_freed() {
    let heap = heap();
    for round in 0..3 {
        let blocks: Vec<_> = (0..500).map(|index| heap.malloc(SIZES[(index + round) % 5])).collect();
        blocks.iter().for_each(|&block| mark(block as usize, heap.usable_size(block).unwrap()));
        for &block in &blocks {
            check(block as usize, heap.usable_size(block).unwrap());
            // SAFETY: a live block.
            unsafe { heap.free(block).unwrap() };
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes: each reference to a thread heap is one to a thousand words")]
fn a_heap_goes_with_all_its_blocks() {
    let mut used = Vec::new();
    for _ in 0..50 {
        let heap = heap();
        for size in SIZES.into_iter().cycle().take(2000) {
            let block = heap.malloc(size.min(100_000));
            assert!(!block.is_null());
            // SAFETY: a live block.
            unsafe { block.write_bytes(1, size.min(100_000)) };
        }
        used.push(shared().back_end.arena.stats().in_slabs);
    }
    // Other tests have heaps of their own beside this one.
    assert!(used[49] <= used[0] * 4 + (64 << 20), "{used:?}");
}

#[test]
fn blocks_are_aligned_and_move_with_their_contents() {
    let heap = heap();
    for align in [1, 32, 512, 4096, 1 << 16, 1 << 21] {
        for size in SIZES {
            let block = heap.memalign(align, size);
            assert!(!block.is_null() && (block as usize).is_multiple_of(align), "{align} {size}");
            assert!(heap.usable_size(block).unwrap() >= size);
        }
    }
    assert!(heap.memalign(3, 10).is_null() && heap.malloc(usize::MAX).is_null());
    let mut block = core::ptr::null_mut();
    for size in [10, 100, 5000, 40_000, 3 << 20, 100, 7] {
        // SAFETY: a live block of at least so many bytes.
        unsafe {
            block = heap.realloc(block, size).unwrap();
            block.add(size - 1).write(3);
            if size > 10 {
                assert_eq!((block.read(), block.add(5).read()), (7, 9));
            }
            block.write(7);
            block.add(5).write(9);
        }
    }
}

#[test]
fn mistakes_are_refused() {
    let (heap, other) = (heap(), heap());
    for size in [100, 100_000] {
        let (block, foreign) = (heap.malloc(size), other.malloc(size));
        // SAFETY: the heap tells its blocks from all else.
        unsafe {
            assert_eq!(heap.free(foreign), Err(Refusal::NotMine));
            let interior = heap.free(block.add(16));
            assert!(matches!(interior, Err(Refusal::Misuse(Misuse::Interior { offset: 16, .. }))));
            heap.free(core::ptr::null_mut()).unwrap();
            heap.free(block).unwrap();
            assert!(heap.free(block).is_err());
        }
    }
    let local = 0;
    assert_eq!(heap.usable_size((&raw const local).cast_mut().cast()), Err(Refusal::NotMine));
}

#[test]
fn a_heap_may_go_to_another_thread() {
    let heap = heap();
    let block = heap.malloc(100) as usize;
    let heap = std::thread::spawn(move || {
        // SAFETY: a live block of the heap that this thread has now.
        unsafe { heap.free(block as *mut u8).unwrap() };
        heap
    });
    assert!(!heap.join().unwrap().malloc(100).is_null());
}
