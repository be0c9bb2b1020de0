use super::classes::CLASSES;
use super::*;
use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;
use std::vec::Vec;
use xalloc_os::clock;

static HEAP: FastHeap = FastHeap::new();

/// The heap keeps each thread's state in the TLS word, as under the redirect layer.
struct Attached;

impl Attached {
    fn new() -> Self {
        xalloc_os::thread::prepare();
        Phase::Plain.enter();
        HEAP.thread_init();
        Self
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        HEAP.thread_exit();
        Phase::TornDown.enter();
    }
}

fn malloc(size: usize) -> *mut u8 {
    let block = HEAP.cached_malloc(size);
    if block.is_null() { HEAP.malloc(size) } else { block }
}

unsafe fn free(block: *mut u8) {
    // SAFETY: the block is in use, and the test's.
    unsafe {
        if !HEAP.cached_free(block) {
            HEAP.free(block).unwrap();
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }
}

/// A shadow heap: knows every live block, and that its contents are still what was written.
fn exercise(seed: u64, rounds: usize, mut hand_over: impl FnMut(usize, usize) -> bool) {
    let mut random = Random(seed);
    let mut live: BTreeMap<usize, usize> = BTreeMap::new();
    for _ in 0..rounds {
        let size = match random.below(100) {
            0 => random.below(8 << 20),
            1..=5 => random.below(200 << 10),
            6..=20 => random.below(40 << 10),
            _ => random.below(600),
        };
        if random.below(5) < 3 {
            let align = 1 << random.below(14);
            let (block, align) =
                if random.below(4) == 0 { (HEAP.memalign(align, size), align) } else { (malloc(size), 16) };
            assert!(!block.is_null());
            assert_eq!(block as usize % align.max(16), 0);
            // SAFETY: a live block.
            let usable = unsafe { HEAP.usable_size(block) }.unwrap();
            assert!(usable >= size);
            assert_ne!(HEAP.block_size(block as usize), 0);
            let before = live.range(..block as usize).next_back();
            assert!(
                before.is_none_or(|(other, size)| other + size <= block as usize),
                "{block:p} {usable:#x} {before:x?}"
            );
            let behind = live.range(block as usize..).next();
            assert!(
                behind.is_none_or(|(other, _)| block as usize + usable <= *other),
                "{block:p} {usable:#x} {behind:x?}"
            );
            mark(block as usize, usable);
            live.insert(block as usize, usable);
        } else if let Some((&block, &usable)) = live.range(random.below(usize::MAX >> 17)..).next() {
            live.remove(&block);
            check(block, usable);
            if random.below(3) == 0 {
                let size = random.below(usable * 2 + 100);
                // SAFETY: a live block of this heap.
                let new = unsafe { HEAP.realloc(block as *mut u8, size.max(1)) }.unwrap() as usize;
                // SAFETY: as above.
                let usable = unsafe { HEAP.usable_size(new as *mut u8) }.unwrap();
                mark(new, usable);
                live.insert(new, usable);
            } else if !hand_over(block, usable) {
                // SAFETY: a live block, freed once.
                unsafe { free(block as *mut u8) };
            }
        }
    }
    for (block, usable) in live {
        check(block, usable);
        // SAFETY: a live block, freed once.
        unsafe { free(block as *mut u8) };
    }
}

/// Writes a block's own address to its two ends and its middle.
fn mark(block: usize, usable: usize) {
    for offset in [0, (usable / 2) & !7, usable - 8] {
        // SAFETY: inside a live block.
        unsafe { ((block + offset) as *mut usize).write_unaligned(block ^ offset) };
    }
}

fn check(block: usize, usable: usize) {
    // SAFETY: inside a live block, marked before.
    unsafe {
        // The last one overlaps the others in tiny blocks.
        assert_eq!(((block + usable - 8) as *const usize).read_unaligned(), block ^ (usable - 8));
        if usable >= 32 {
            assert_eq!((block as *const usize).read_unaligned(), block);
        }
    }
}

#[test]
fn blocks_stay_what_they_are() {
    let _attached = Attached::new();
    exercise(1, 100_000, |_, _| false);
}

#[test]
fn blocks_travel_between_threads() {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| mpsc::sync_channel::<(usize, usize)>(1000)).unzip();
    let threads: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(index, receiver)| {
            let next = senders[(index + 1) % 4].clone();
            thread::spawn(move || {
                let _attached = Attached::new();
                exercise(index as u64 + 7, 50_000, |block, usable| {
                    while let Ok((block, usable)) = receiver.try_recv() {
                        check(block, usable);
                        // SAFETY: handed over by its owner, freed once.
                        unsafe { free(block as *mut u8) };
                    }
                    next.try_send((block, usable)).is_ok()
                });
                drop(next);
                for (block, usable) in receiver {
                    check(block, usable);
                    // SAFETY: as above.
                    unsafe { free(block as *mut u8) };
                }
            })
        })
        .collect();
    drop(senders);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn threads_without_a_heap_are_served() {
    thread::spawn(|| {
        Phase::TornDown.enter();
        exercise(3, 5_000, |_, _| false);
    })
    .join()
    .unwrap();
}

#[test]
fn short_threads_reuse_what_dead_ones_left() {
    let run = |count| {
        for seed in 0..count {
            thread::spawn(move || {
                let _attached = Attached::new();
                exercise(seed, 500, |_, _| false);
            })
            .join()
            .unwrap();
        }
    };
    run(50);
    let before = HEAP.arena.stats().reserved;
    run(300);
    // Other tests run beside this one; what would show is a region for each handful of threads.
    assert!(HEAP.arena.stats().reserved <= before * 16);
}

#[test]
fn calloc_zeroes_what_was_used() {
    let _attached = Attached::new();
    for size in [1, 500, 5000, 40_000, 300_000, 3 << 20] {
        for _ in 0..20 {
            let block = HEAP.calloc(size);
            // SAFETY: a live block of `size` bytes, freed once.
            unsafe {
                assert!(core::slice::from_raw_parts(block, size).iter().all(|&byte| byte == 0));
                block.write_bytes(0xaa, size);
                free(block);
            }
        }
    }
}

#[test]
fn growing_a_huge_block_keeps_its_contents() {
    let _attached = Attached::new();
    let mut block = malloc(1000);
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
    unsafe { free(block) };
}

/// A refill may be what makes the heap scan its classes, the refilled one among them.
#[test]
fn what_was_collected_is_not_taken_for_idle() {
    let _attached = Attached::new();
    let Phase::Cached(heap) = Phase::current() else { panic!() };
    // SAFETY: the thread's heap.
    let heap = unsafe { ThreadHeap::of_word(heap) };
    let class = classes::class_of(3000);
    // SAFETY: allocated in the same expression.
    unsafe { free(malloc(3000)) };
    HEAP.scan(heap, CLASSES - 1, 0);
    HEAP.empty_bin(heap, class);
    // The next block that goes through a slow path makes it poll the clock, and a second is over.
    while !heap.count_slow(1) {}
    assert!(!heap.count_slow(2047));
    heap.note_scan(clock::coarse_milliseconds().wrapping_sub(5000));
    let block = malloc(3000);
    assert!(!block.is_null());
    // SAFETY: just allocated.
    unsafe { free(block) };
}

#[test]
fn any_address_may_be_asked_for_a_block() {
    let _attached = Attached::new();
    for size in [100, 100_000, 10_000_000] {
        let block = malloc(size);
        let address = block as usize;
        // SAFETY: a live block.
        assert_eq!(HEAP.block_size(address), unsafe { HEAP.usable_size(block) }.unwrap());
        for other in [address + 16, address + size / 2, address | 1 << 56, address | 1 << 63] {
            assert_eq!(HEAP.block_size(other), 0, "{other:#x} of a block of {size} bytes at {address:#x}");
        }
        // SAFETY: a live block.
        unsafe { free(block) };
    }
    for address in [0, 8, usize::MAX, (&raw const HEAP) as usize] {
        assert_eq!(HEAP.block_size(address), 0, "{address:#x}");
    }
}
