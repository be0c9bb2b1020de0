//! What every heap is put through by its tests.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;
use std::vec::Vec;
use xalloc_heap::Heap;
use xalloc_os::thread::Phase;

/// A thread that uses a heap, which keeps the thread's state in the TLS word, as under the redirect layer.
pub struct Attached<'a, H: Heap>(&'a H);

impl<'a, H: Heap> Attached<'a, H> {
    /// Attaches the calling thread until the value is dropped.
    pub fn new(heap: &'a H) -> Self {
        xalloc_os::thread::prepare();
        Phase::Plain.enter();
        heap.thread_init();
        Self(heap)
    }
}

impl<H: Heap> Drop for Attached<'_, H> {
    fn drop(&mut self) {
        self.0.thread_exit();
        Phase::TornDown.enter();
    }
}

/// Returns a block, as the redirect layer gets one.
pub fn malloc(heap: &impl Heap, size: usize) -> *mut u8 {
    let block = heap.cached_malloc(size);
    if block.is_null() { heap.malloc(size) } else { block }
}

/// Frees a block, as the redirect layer does.
///
/// # Safety
/// The block is the heap's, in use, and the test's.
pub unsafe fn free(heap: &impl Heap, block: *mut u8) {
    // SAFETY: a block of the heap in use, which nobody uses any more.
    unsafe {
        if !heap.cached_free(block) {
            heap.free(block).unwrap();
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

/// Allocates, resizes and frees at random, and checks against a shadow that blocks do not overlap and keep what was written to
/// them. `hand_over` may take a block, with its usable size, instead of having it freed here.
pub fn exercise(heap: &impl Heap, seed: u64, rounds: usize, mut hand_over: impl FnMut(usize, usize) -> bool) {
    let mut random = Random(seed);
    let mut live: BTreeMap<usize, usize> = BTreeMap::new();
    // Miri is a thousand times slower.
    let rounds = if cfg!(miri) { rounds / 500 } else { rounds };
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
                if random.below(4) == 0 { (heap.memalign(align, size), align) } else { (malloc(heap, size), 16) };
            assert!(!block.is_null());
            assert_eq!(block as usize % align.max(16), 0);
            // SAFETY: a live block.
            let usable = unsafe { heap.usable_size(block) }.unwrap();
            assert!(usable >= size);
            assert_ne!(heap.block_size(block as usize), 0);
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
                let new = unsafe { heap.realloc(block as *mut u8, size.max(1)) }.unwrap() as usize;
                // SAFETY: as above.
                let usable = unsafe { heap.usable_size(new as *mut u8) }.unwrap();
                mark(new, usable);
                live.insert(new, usable);
            } else if !hand_over(block, usable) {
                // SAFETY: a live block, freed once.
                unsafe { free(heap, block as *mut u8) };
            }
        }
    }
    for (block, usable) in live {
        check(block, usable);
        // SAFETY: a live block, freed once.
        unsafe { free(heap, block as *mut u8) };
    }
}

/// Writes a block's own address to its two ends and its middle.
pub fn mark(block: usize, usable: usize) {
    for offset in [0, (usable / 2) & !7, usable - 8] {
        // SAFETY: inside a live block.
        unsafe { ((block + offset) as *mut usize).write_unaligned(block ^ offset) };
    }
}

/// Checks what [`mark`] wrote.
pub fn check(block: usize, usable: usize) {
    // SAFETY: inside a live block, marked before.
    unsafe {
        // The last one overlaps the others in tiny blocks.
        assert_eq!(((block + usable - 8) as *const usize).read_unaligned(), block ^ (usable - 8));
        if usable >= 32 {
            assert_eq!((block as *const usize).read_unaligned(), block);
        }
    }
}

/// Four threads allocate, check and free, and free what the one before has handed over.
pub fn exercise_between_threads<H: Heap>(heap: &'static H) {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| mpsc::sync_channel::<(usize, usize)>(1000)).unzip();
    let threads: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(index, receiver)| {
            let next = senders[(index + 1) % 4].clone();
            thread::spawn(move || {
                let _attached = Attached::new(heap);
                exercise(heap, index as u64 + 7, 50_000, |block, usable| {
                    while let Ok((block, usable)) = receiver.try_recv() {
                        check(block, usable);
                        // SAFETY: handed over by its owner, freed once.
                        unsafe { free(heap, block as *mut u8) };
                    }
                    next.try_send((block, usable)).is_ok()
                });
                drop(next);
                for (block, usable) in receiver {
                    check(block, usable);
                    // SAFETY: as above.
                    unsafe { free(heap, block as *mut u8) };
                }
            })
        })
        .collect();
    drop(senders);
    for thread in threads {
        thread.join().unwrap();
    }
}
