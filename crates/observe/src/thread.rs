//! The page of an observed thread. Its TLS word points here: to bins that are empty, so that each of its calls misses, and goes
//! to the slow path, where it is counted.

use crate::classes;
use crate::layout::{Counters, Header, MOST_SLOTS, Slot};
use crate::sampler::Sampler;
use core::cell::Cell;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use xalloc_os::pages::{self, Committed};
use xalloc_os::thread::{self, CACHE_SIZE, Phase};

/// How far apart the pages are: the kernel's are not larger.
const STRIDE: usize = 64 << 10;
/// After how many bytes a thread adds what it allocated and freed to the sum of all.
const PUBLISH: isize = 64 << 10;

/// A thread's page. Zeros are one of nobody. Only its thread uses it, but for the token.
#[repr(C, align(4096))]
pub struct Page {
    /// What hit paths read: bins, all empty. Never written, so that it takes no memory.
    empty: [u8; CACHE_SIZE],
    /// The word that the thread has while it is in the heap.
    own_word: Cell<*mut u8>,
    /// The number of its slot, which is also the page's.
    index: Cell<usize>,
    /// Bytes that it allocated, less those that it freed, since it added them to the sum of all.
    unpublished: Cell<isize>,
    /// Which of its allocations are samples.
    sampler: Sampler,
    /// The thread, as [`thread::token`] names it; 0 if the page is nobody's.
    token: AtomicUsize,
}

impl Page {
    /// Makes the page the calling thread's, which is not in the heap.
    pub fn begin(&self, index: usize) {
        self.index.set(index);
        self.unpublished.set(0);
        self.own_word.set(thread::word());
        // Relaxed: only the thread itself looks for its own token.
        self.token.store(thread::token(), Ordering::Relaxed);
        Phase::Cached(core::ptr::from_ref(self).cast_mut().cast()).enter();
    }

    /// Makes the page nobody's. The thread has its own word.
    pub fn end(&self) {
        // Relaxed: see `begin`.
        self.token.store(0, Ordering::Relaxed);
    }

    /// Returns whether it is the calling thread's.
    pub fn is_mine(&self) -> bool {
        // Relaxed: see `begin`.
        self.token.load(Ordering::Relaxed) == thread::token()
    }

    /// Returns the number of its slot.
    pub fn index(&self) -> usize {
        self.index.get()
    }

    /// Gives the calling thread its own word, for a call of the heap.
    #[inline]
    pub fn enter(&self) {
        Phase::Cached(self.own_word.get()).enter();
    }

    /// Takes the word again after the call, which may have made it another one.
    #[inline]
    pub fn leave(&self) {
        self.own_word.set(thread::word());
        Phase::Cached(core::ptr::from_ref(self).cast_mut().cast()).enter();
    }

    /// Returns whether an allocation of `usable` bytes is a sample, where one comes every `mean` bytes.
    #[inline]
    pub fn samples(&self, usable: usize, mean: u64) -> bool {
        self.sampler.takes(usable, mean)
    }

    /// Adds bytes that were allocated, or with a minus freed, to the sum of all, sooner or later.
    #[inline]
    pub fn add_live(&self, header: &Header, bytes: isize) {
        let unpublished = self.unpublished.get() + bytes;
        self.unpublished.set(unpublished);
        if unpublished.unsigned_abs() >= PUBLISH as usize {
            self.publish(header);
        }
    }

    /// Adds what is not yet in the sum of all.
    pub fn publish(&self, header: &Header) {
        add_live(header, self.unpublished.replace(0));
    }
}

/// Adds bytes to the sum of all blocks in use, and to its peak.
pub fn add_live(header: &Header, bytes: isize) {
    // Relaxed, both: sums, from which nothing else follows.
    let live = header.live.fetch_add(bytes as u64, Ordering::Relaxed).wrapping_add_signed(bytes as i64);
    // A thread that publishes what it freed before the one that allocated it makes the sum negative for a while.
    if bytes > 0 && live as i64 > 0 {
        header.peak.fetch_max(live, Ordering::Relaxed);
    }
}

/// The pages of all threads: addresses that are reserved, of which a thread's become memory with it.
pub struct Pages {
    /// 0 until they are reserved.
    base: AtomicUsize,
}

impl Pages {
    /// Returns no pages.
    pub const fn new() -> Self {
        Self { base: AtomicUsize::new(0) }
    }

    /// Reserves the addresses. Returns false if the kernel refuses.
    pub fn reserve(&self) -> bool {
        let Some(base) = pages::reserve(MOST_SLOTS * STRIDE) else { return false };
        // Release: who sees it sees reserved addresses.
        self.base.store(base, Ordering::Release);
        true
    }

    /// Returns the page that a TLS word is, if it is one.
    #[inline]
    pub fn of_word(&self, word: *mut u8) -> Option<&'static Page> {
        // Acquire: see `reserve`.
        let base = self.base.load(Ordering::Acquire);
        let is_page = base != 0 && (word as usize).wrapping_sub(base) < MOST_SLOTS * STRIDE;
        // SAFETY: a word in there is a page, which was committed before it became one, and stays so.
        is_page.then(|| unsafe { &*word.cast::<Page>() })
    }

    /// Returns the page with this number, as memory. `None` if the kernel refuses.
    pub fn commit(&self, index: usize) -> Option<&'static Page> {
        let address = self.base.load(Ordering::Relaxed) + index * STRIDE;
        // SAFETY: addresses that were reserved for this page. A second time, it changes nothing.
        if unsafe { pages::commit(address, pages::round_up(size_of::<Page>(), pages::page_size())) } != Committed::Yes {
            return None;
        }
        // SAFETY: memory of this size, whose zeros are a page of nobody's; pages are never unmapped.
        Some(unsafe { &*(address as *const Page) })
    }

    /// Returns the page with this number, which was committed.
    pub fn get(&self, index: usize) -> &'static Page {
        // SAFETY: the caller's: `commit` returned it before.
        unsafe { &*((self.base.load(Ordering::Relaxed) + index * STRIDE) as *const Page) }
    }
}

impl Slot {
    /// Counts a block that the slot's thread allocated.
    #[inline]
    pub fn count_allocation(&self, requested: usize, usable: usize) {
        let Counters { allocations, requested: all_requested, allocated, .. } =
            &self.counters[classes::class_of(usable)];
        bump(all_requested, requested as u64);
        bump(allocated, usable as u64);
        bump(allocations, 1);
    }

    /// Counts a block that the slot's thread freed; `is_own` says whether it is of its own heap.
    #[inline]
    pub fn count_free(&self, usable: usize, is_own: bool) {
        let counters = &self.counters[classes::class_of(usable)];
        bump(&counters.freed, usable as u64);
        bump(if is_own { &counters.frees } else { &counters.remote_frees }, 1);
    }

    /// As [`Slot::count_allocation`], in a slot of several threads.
    pub fn share_allocation(&self, requested: usize, usable: usize) {
        let counters = &self.counters[classes::class_of(usable)];
        // Release, all: as in `bump`.
        counters.requested.fetch_add(requested as u64, Ordering::Release);
        counters.allocated.fetch_add(usable as u64, Ordering::Release);
        counters.allocations.fetch_add(1, Ordering::Release);
    }

    /// As [`Slot::count_free`], in a slot of several threads.
    pub fn share_free(&self, usable: usize, is_own: bool) {
        let counters = &self.counters[classes::class_of(usable)];
        // Release, both: as in `bump`.
        counters.freed.fetch_add(usable as u64, Ordering::Release);
        let frees = if is_own { &counters.frees } else { &counters.remote_frees };
        frees.fetch_add(1, Ordering::Release);
    }

    /// Adds all counters of another slot, which nobody changes meanwhile, and makes those zero.
    pub fn take_over(&self, other: &Slot) {
        for (to, from) in self.counters.iter().zip(&other.counters) {
            for (to, from) in to.all().into_iter().zip(from.all()) {
                // Relaxed: the thread that counted is this one, or is gone. Writing a zero where one is would make memory of it.
                let count = from.load(Ordering::Relaxed);
                if count != 0 {
                    bump(to, count);
                    from.store(0, Ordering::Relaxed);
                }
            }
        }
    }
}

impl Counters {
    fn all(&self) -> [&AtomicU64; 6] {
        let Self { allocations, frees, remote_frees, requested, allocated, freed } = self;
        [allocations, frees, remote_frees, requested, allocated, freed]
    }
}

/// Adds to a counter that only one thread writes at a time.
#[inline]
fn bump(counter: &AtomicU64, by: u64) {
    // Relaxed: nobody else writes. Release: a reader that sees that a block was freed, and then reads the allocations, sees its
    // allocation: this thread or another one counted it before it handed the block over.
    counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Release);
}
