use super::*;
use crate::exercise::{Attached, check, exercise, exercise_between_threads, free, malloc, mark};
use crate::pow2::{Of, Pow2, Sizes};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::vec::Vec;
use xalloc_blocks::registry::Registered;
use xalloc_os::thread::Phase;

/// Only one heap at a time keeps threads behind their TLS words; and tests that count look at a heap that nobody else uses.
static ONE: Mutex<()> = Mutex::new(());

fn one() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tuned(tuning: Tuning) -> Pow2 {
    let heap = Pow2::new();
    // SAFETY: nobody uses it yet.
    unsafe { heap.tune(tuning) };
    heap
}

macro_rules! heap {
    ($tuning:expr) => {{
        static HEAP: std::sync::OnceLock<Pow2> = std::sync::OnceLock::new();
        HEAP.get_or_init(|| tuned($tuning))
    }};
}

#[test]
fn blocks_stay_what_they_are() {
    let _one = one();
    for heap in [heap!(Tuning::SPEED), heap!(Tuning::LEAN), heap!(Tuning { local_pages: 0, ..Tuning::SPEED })] {
        let _attached = Attached::new(heap);
        exercise(heap, 1, 50_000, |_, _| false);
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes: each reference to a thread heap is one to a thousand words")]
fn blocks_travel_between_threads() {
    let _one = one();
    exercise_between_threads(heap!(Tuning::SPEED));
    exercise_between_threads(heap!(Tuning::LEAN));
    exercise_between_threads(heap!(Tuning { local_pages: 1, grow: 50, central_pages: 4, ..Tuning::SPEED }));
    exercise_between_threads(heap!(Tuning { local_pages: 0, queue_capacity: 0, large_pages: true, ..Tuning::SPEED }));
}

#[test]
#[cfg_attr(miri, ignore = "minutes: each reference to a thread heap is one to a thousand words")]
fn every_lock_policy_makes_a_heap() {
    let _one = one();
    static SPIN: Scalable<Of<Central<Spin>>, Of<ThreadLocal>> = Scalable::<Of<Central<Spin>>, _>::new();
    static PADDED: Scalable<Of<Central<SpinPadded>>, Of<ThreadLocal>> = Scalable::<Of<Central<SpinPadded>>, _>::new();
    exercise_between_threads(&SPIN);
    exercise_between_threads(&PADDED);
}

/// Another heap's hit paths run before this one's: they read empty bins, and find no bin of a block in the thread's word.
#[test]
#[cfg_attr(
    miri,
    ignore = "a thread without a heap has a reference to atomic words in read-only memory, which it only reads"
)]
fn a_heap_behind_another_one_shows_it_nothing() {
    let _one = one();
    let heap = heap!(Tuning { is_behind: true, ..Tuning::SPEED });
    {
        let _attached = Attached::new(heap);
        let block = heap.malloc(100);
        let other = crate::FastHeap::new();
        assert!((0..70_000).all(|size| other.cached_malloc(size).is_null()));
        // SAFETY: a live block of a heap.
        unsafe {
            assert!(!other.cached_free(block) && !other.cached_fits(block, 100));
            heap.free(block).unwrap();
        }
    }
    thread::scope(|scope| {
        for seed in 0..3 {
            scope.spawn(move || {
                let _attached = Attached::new(heap);
                heap.malloc(1);
                exercise(&Slow(heap), seed, 20_000, |_, _| false);
            });
        }
    });
}

/// A heap without its hit paths.
struct Slow(&'static Pow2);

// SAFETY: passed on.
unsafe impl Heap for Slow {
    fn malloc(&self, size: usize) -> *mut u8 {
        self.0.malloc(size)
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        self.0.memalign(align, size)
    }

    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        // SAFETY: passed on.
        unsafe { self.0.free(block) }
    }

    unsafe fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        // SAFETY: passed on.
        unsafe { self.0.usable_size(block) }
    }

    fn block_size(&self, address: usize) -> usize {
        self.0.block_size(address)
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "a thread without a heap has a reference to atomic words in read-only memory, which it only reads"
)]
fn threads_without_a_heap_are_served() {
    let _one = one();
    let heap = heap!(Tuning::SPEED);
    thread::spawn(|| {
        Phase::TornDown.enter();
        exercise(heap, 3, 5_000, |_, _| false);
    })
    .join()
    .unwrap();
}

/// A thread has cached more blocks of a central slab than a batch has, when another thread takes the slab: they go to that
/// thread.
#[test]
#[cfg_attr(miri, ignore = "minutes: each reference to a thread heap is one to a thousand words")]
fn a_long_list_goes_to_the_thread_that_has_taken_its_slab() {
    let _one = one();
    let heap = heap!(Tuning { local_pages: 1, recycling: Recycling::Deferred, ..Tuning::SPEED });
    let _attached = Attached::new(heap);
    let class = Sizes::class_of(16);
    // The thread's only slab, and the first block of one that stays in the central list.
    let mut blocks: Vec<usize> = (0..=heap.class(class).capacity).map(|_| malloc(heap, 16) as usize).collect();
    let cached = ThreadLocalHeap::<{ Sizes::N }, Sizes>::own().unwrap().cache().cached(class);
    assert!(cached > xalloc_blocks::batch::MOST, "{cached}");
    let (taken, trimmed) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            let _attached = Attached::new(heap);
            let first = malloc(heap, 16) as usize;
            taken.wait();
            trimmed.wait();
            let more = (0..heap.class(class).capacity).map(|_| malloc(heap, 16) as usize);
            std::iter::once(first).chain(more).collect::<Vec<_>>()
        });
        taken.wait();
        heap.trim(0);
        trimmed.wait();
        blocks.extend(other.join().unwrap());
    });
    let all = blocks.len();
    blocks.sort_unstable();
    blocks.dedup();
    assert_eq!(blocks.len(), all, "a block was handed out twice");
    // SAFETY: live blocks.
    blocks.iter().for_each(|&block| unsafe { free(heap, block as *mut u8) });
    assert_eq!(heap.statistics().allocated, 0);
}

/// The blocks of a thread that ends stay, and its slabs are other threads' as soon as a block of them is freed.
#[test]
#[cfg_attr(miri, ignore = "minutes: each reference to a thread heap is one to a thousand words")]
fn slabs_of_dead_threads_are_used_by_others() {
    let _one = one();
    let heap = heap!(Tuning { recycling: Recycling::Deferred, ..Tuning::SPEED });
    let blocks: Vec<usize> = thread::spawn(|| {
        let _attached = Attached::new(heap);
        let blocks: Vec<_> = (0..10_000).map(|_| malloc(heap, 100) as usize).collect();
        blocks.iter().for_each(|&block| mark(block, 128));
        blocks
    })
    .join()
    .unwrap();
    let _attached = Attached::new(heap);
    let before = heap.statistics();
    assert_eq!(before.allocated, 10_000 * 128);
    for &block in &blocks {
        check(block, 128);
        // SAFETY: a live block.
        unsafe { free(heap, block as *mut u8) };
    }
    let again: Vec<_> = (0..10_000).map(|_| malloc(heap, 100)).collect();
    let after = heap.statistics();
    assert!(after.active <= before.active + (128 << 10), "{before:?} {after:?}");
    again.into_iter().for_each(|block| unsafe_free(heap, block));
    assert_eq!(heap.statistics().allocated, 0);
}

fn unsafe_free(heap: &Pow2, block: *mut u8) {
    // SAFETY: a live block of the test's.
    unsafe { free(heap, block) };
}

/// What `kept` MiB of the 12.8 MB there were stays dirty under a policy, and nothing after a trim.
#[test]
#[cfg_attr(miri, ignore = "minutes: each reference to a thread heap is one to a thousand words")]
fn free_slabs_are_recycled_as_the_policy_says() {
    let _one = one();
    let rows = [
        (heap!(Tuning { recycling: Recycling::Immediate { threshold: 0 }, ..Tuning::SPEED }), 0, 3),
        (heap!(Tuning { recycling: Recycling::Immediate { threshold: 50 }, ..Tuning::SPEED }), 3, 6),
        (heap!(Tuning { recycling: Recycling::Deferred, ..Tuning::SPEED }), 11, 14),
        (heap!(Tuning { recycling: Recycling::Decay { milliseconds: 600_000 }, ..Tuning::SPEED }), 11, 14),
    ];
    for (heap, least, most) in rows {
        let _attached = Attached::new(heap);
        let blocks: Vec<_> = (0..100_000).map(|_| malloc(heap, 128)).collect();
        blocks.into_iter().for_each(|block| unsafe_free(heap, block));
        let stats = heap.statistics();
        let held = (stats.active + stats.dirty) >> 20;
        assert!((least..=most).contains(&held), "{least} to {most} MiB: {stats:?}");
        assert!(heap.trim(0) || least == 0);
        let stats = heap.statistics();
        assert_eq!((stats.active, stats.dirty, stats.allocated), (0, 0, 0));
    }
}

/// 8 MiB of one size after the other: what one has left, the next one takes.
#[test]
fn what_one_size_has_left_another_one_takes() {
    let _one = one();
    let heap = heap!(Tuning { recycling: Recycling::Deferred, ..Tuning::SPEED });
    let _attached = Attached::new(heap);
    for size in [1024, 256, 4096, 16, 512] {
        let blocks: Vec<_> = (0..(8 << 20) / size).map(|_| malloc(heap, size)).collect();
        let stats = heap.statistics();
        assert!(stats.active + stats.dirty <= 10 << 20, "{size}: {stats:?}");
        blocks.into_iter().for_each(|block| unsafe_free(heap, block));
    }
}

/// Twenty threads at a time, over and over: what they leave is used again.
#[test]
#[cfg_attr(miri, ignore = "minutes: each reference to a thread heap is one to a thousand words")]
fn threads_leave_nothing_behind() {
    let _one = one();
    let heap = heap!(Tuning { thread_cache_count: 4, ..Tuning::SPEED });
    let all = std::sync::Barrier::new(20);
    let round = |seed: u64| {
        thread::scope(|scope| {
            for index in 0..20 {
                let all = &all;
                scope.spawn(move || {
                    let _attached = Attached::new(heap);
                    all.wait();
                    exercise(heap, seed + index, 300, |_, _| false);
                });
            }
        });
    };
    (0..5).for_each(|seed| round(seed * 100));
    let before = heap.statistics();
    (5..20).for_each(|seed| round(seed * 100));
    let after = heap.statistics();
    assert_eq!(after.allocated, 0);
    assert!(
        after.metadata <= before.metadata + (64 << 10) && after.mapped() <= before.mapped() * 3,
        "{before:?} {after:?}"
    );
}

#[test]
fn any_address_may_be_asked_for_a_block() {
    let _one = one();
    let heap = heap!(Tuning::SPEED);
    let _attached = Attached::new(heap);
    for size in [100, 100_000, 10_000_000] {
        let block = malloc(heap, size);
        let address = block as usize;
        // SAFETY: a live block.
        assert_eq!(heap.block_size(address), unsafe { heap.usable_size(block) }.unwrap());
        for other in [address + 16, address + size / 2, address | 1 << 56, address | 1 << 63] {
            assert_eq!(heap.block_size(other), 0, "{other:#x} of a block of {size} bytes at {address:#x}");
        }
        unsafe_free(heap, block);
        // SAFETY: the heap can tell that it is no block in use.
        assert!(unsafe { heap.free(block) }.is_err(), "freed twice: {size}");
    }
}

#[test]
fn a_special_heap_has_slabs_of_its_own_and_anybody_frees_its_blocks() {
    let _one = one();
    let heap = heap!(Tuning { recycling: Recycling::Deferred, ..Tuning::SPEED });
    let slab_of = |block: *mut u8| block as usize & !0xffff;
    let _attached = Attached::new(heap);
    let special = heap.special_heap().unwrap();
    let usual = malloc(heap, 100);
    let (inner, nested) = special.with(|| {
        let other = heap.special_heap().unwrap();
        (malloc(heap, 100), other.with(|| malloc(heap, 100)))
    });
    assert!(slab_of(usual) != slab_of(inner) && slab_of(inner) != slab_of(nested) && slab_of(usual) != slab_of(nested));
    assert_eq!(slab_of(malloc(heap, 100)), slab_of(usual));
    special.with(|| unsafe_free(heap, usual));
    let (inner, nested) = (inner as usize, nested as usize);
    thread::scope(|scope| {
        scope.spawn(move || {
            let _attached = Attached::new(heap);
            unsafe_free(heap, inner as *mut u8);
        });
    });
    drop(special);
    unsafe_free(heap, nested as *mut u8);
    assert_eq!(heap.statistics().allocated, 128, "one block is left");
}

/// What a fork leaves to other threads in the child is not what the thread that forked goes on with.
#[test]
fn a_forked_child_shares_no_heap_that_its_thread_had_beside_the_one_in_use() {
    let _one = one();
    let heap = heap!(Tuning::SPEED);
    let _attached = Attached::new(heap);
    let own = || core::ptr::from_ref(ThreadLocalHeap::<{ Sizes::N }, Sizes>::own().unwrap());
    // Without another thread, the child is the parent with the child's handler run.
    let fork = || {
        heap.prefork();
        heap.postfork_child();
    };
    let (outer, inner) = (heap.special_heap().unwrap(), heap.special_heap().unwrap());
    let block = inner.with(|| malloc(heap, 100));
    outer.with(|| inner.with(fork));
    // Each heap is come back to in the child, inside of itself too.
    outer.with(|| {
        inner.with(|| {
            fork();
            outer.with(|| inner.with(|| ()));
        });
        outer.with(|| ());
    });
    let mut used = std::vec![own(), outer.with(own), inner.with(own)];
    fork();
    let others = [(); 3].map(|()| heap.adopt().unwrap());
    used.extend([own(), outer.with(own), inner.with(own)]);
    for other in others {
        assert!(used[3..].iter().all(|&used| !core::ptr::eq(used, other)), "another thread has a heap in use");
        heap.leave(other);
    }
    assert!(used[0] != used[1] && used[1] != used[2] && used[0] != used[2]);
    assert!(used[3] == used[0] && used[4] != used[5] && !used[4..].contains(&used[3]));
    unsafe_free(heap, block);
    drop((outer, inner));
    let held = heap.registry.all().filter(|heap| !heap.ownership().is_abandoned()).count();
    assert_eq!((heap.statistics().allocated, held), (0, 1), "only the usual heap is not left to others");
}

/// A block of a thread's own, of another thread's, of one that has ended and of a central list: freed twice, with others in
/// between.
#[test]
#[cfg_attr(miri, ignore = "minutes: each reference to a thread heap is one to a thousand words")]
fn a_double_free_is_noticed_wherever_the_block_is() {
    let _one = one();
    for heap in [heap!(Tuning::SPEED), heap!(Tuning { local_pages: 0, ..Tuning::SPEED })] {
        let _attached = Attached::new(heap);
        let foreign: Vec<usize> = thread::spawn(|| {
            let _attached = Attached::new(heap);
            (0..100).map(|_| malloc(heap, 500) as usize).collect()
        })
        .join()
        .unwrap();
        let own: Vec<usize> = (0..100).map(|_| malloc(heap, 500) as usize).collect();
        for blocks in [foreign, own] {
            blocks.iter().for_each(|&block| unsafe_free(heap, block as *mut u8));
            for &block in &blocks {
                // SAFETY: the heap can tell that it is no block in use.
                let again = unsafe { heap.free(block as *mut u8) };
                assert_eq!(again, Err(Refusal::Misuse(Misuse::FreedBefore { size: 512 })), "{block:#x}");
            }
        }
    }
    let _sizes = Sizes::N;
}
