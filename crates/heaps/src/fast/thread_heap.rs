//! A thread's own heap: its cache, its slabs, what others freed of them, and what it freed of others'. Adopted by another
//! thread when its own ends, never unmapped: so a bin's address can stand in the page map for as long as the process lives.
//!
//! Three pages: the second one has only the remote cache, and is never touched by a thread that frees its own blocks; the third
//! one is touched only by threads that tick.

use super::classes::{CLASSES, TABLE};
use super::ticking::Ticking;
use xalloc_blocks::access::{Access, Change as HeapChange};
use xalloc_blocks::batch::Batch;
use xalloc_blocks::bin::Bin;
use xalloc_blocks::changing::{Change, Changing};
use xalloc_blocks::free_list::Key;
use xalloc_blocks::ownership::Ownership;
use xalloc_blocks::page_map;
use xalloc_blocks::remote::RemoteStack;
use xalloc_blocks::remote_cache::RemoteCache;
use xalloc_blocks::single_writer::{Count32, Pointer, Word};
use xalloc_blocks::slab::Slab;
use xalloc_blocks::slab_set::SlabSet;
use xalloc_blocks::sync::{AtomicU32, AtomicUsize, Lock};
use xalloc_blocks::thread_cache::ThreadCache;
use xalloc_os::thread::{CACHE_SIZE, Phase};

const PAGE: usize = 4096;
/// How many blocks go through a thread's slow paths between two sendings of its remote cache.
const SEND_INTERVAL: u32 = 2048;
/// After so many bytes a thread counts what it sent as released: all threads write that count.
const COUNT_SENT: usize = 64 << 10;

/// What other threads write, and read after that: on a line of its own, apart from what the owner writes.
#[repr(align(64))]
struct Shared {
    /// What other threads freed.
    remote: RemoteStack<Batch>,
    /// Whether it has a thread.
    ownership: Ownership,
}

/// The heap of one thread.
#[repr(C, align(16384))]
pub struct ThreadHeap {
    /// First, so that "is this bin mine?" is one instruction and one comparison.
    cache: ThreadCache<CLASSES>,
    shared: Shared,
    slabs: SlabSet<CLASSES>,
    /// Who may touch what the slow paths use: all of the heap but the remote cache and the bins' words other than `previous`,
    /// which are its thread's.
    access: Access,
    /// While the thread changes its remote cache.
    collecting: Changing,
    /// 1 when a bin's count may be one off: its thread vanished in a fork between the two stores of a hit path.
    miscounted: Count32,
    /// The next heap of all.
    pub next: Pointer<ThreadHeap>,
    /// The next abandoned heap.
    pub next_abandoned: Pointer<ThreadHeap>,
    /// Bytes that the thread sent to other heaps and has not counted as released.
    sent: Word,
    /// Blocks that went through slow paths.
    slow_blocks: Count32,
    /// When all classes were scanned, in milliseconds.
    scanned_at: Count32,
    /// Whether and how its thread ticks.
    pub ticking: Ticking,
    pages: Pages,
}

/// The pages that not every thread touches.
#[repr(C, align(4096))]
struct Pages {
    remote_cache: RemoteCache,
    /// What `malloc` takes from while the thread ticks.
    rations: super::ticking::Rations,
}

const _: () = assert!(core::mem::offset_of!(ThreadHeap, pages) == PAGE && size_of::<ThreadHeap>() == 4 * PAGE);
const _: () = assert!(core::mem::offset_of!(Pages, rations) == PAGE);
const _: () = assert!(CLASSES * size_of::<Bin>() <= CACHE_SIZE && core::mem::offset_of!(ThreadHeap, cache) == 0);

// SAFETY: all words are atomic; the flags of the slabs' lists, which are read and written apart, only who has access touches.
unsafe impl Sync for ThreadHeap {}

impl ThreadHeap {
    /// Sets up a heap in zeroed memory, as its first owner.
    ///
    /// # Safety
    /// `memory` is zeroed, aligned to and as large as this type, and the caller's for ever.
    pub unsafe fn create(memory: *mut u8) -> &'static Self {
        let heap = memory.cast::<Self>();
        // SAFETY: zeros are valid in every field; the words of the protocols are set explicitly.
        let heap = unsafe {
            let remote = RemoteStack::around(AtomicUsize::new(0));
            (&raw mut (*heap).shared).write(Shared { remote, ownership: Ownership::around(AtomicU32::new(0)) });
            (&raw mut (*heap).access).write(Access::around(AtomicU32::new(0), Lock::new()));
            (&raw mut (*heap).collecting).write(Changing::around(AtomicU32::new(0)));
            &*heap
        };
        heap.cache.init(&TABLE);
        heap
    }

    /// Returns the calling thread's heap, if it has one.
    pub fn own() -> Option<&'static Self> {
        match Phase::current() {
            // SAFETY: a cache in the TLS word is this thread's heap, which is never unmapped.
            Phase::Cached(word) => Some(unsafe { Self::of_word(word) }),
            _ => None,
        }
    }

    /// Returns the heap that a bin's address, as the page map has it, belongs to, and the bin's class.
    ///
    /// # Safety
    /// `bin` came from the page map.
    pub unsafe fn of_bin(bin: usize) -> (&'static Self, usize) {
        let heap = bin & !(size_of::<Self>() - 1);
        // SAFETY: heaps are aligned to their size and are never unmapped.
        (unsafe { &*(heap as *const Self) }, Self::class_of_bin(bin))
    }

    /// Returns the heap behind the TLS word of one of its threads.
    ///
    /// # Safety
    /// The word is that of a thread with a cache ([`Phase::Cached`](xalloc_os::thread::Phase)).
    pub unsafe fn of_word(word: *mut u8) -> &'static Self {
        // SAFETY: it points into a heap: at the heap itself, or at its rations. Heaps are aligned to their size and are never
        // unmapped.
        unsafe { &*word.map_addr(|address| address & !(size_of::<Self>() - 1)).cast() }
    }

    /// Returns the class of a bin, by its address.
    #[inline(always)]
    pub fn class_of_bin(bin: usize) -> usize {
        ThreadCache::<CLASSES>::class_at(bin & (size_of::<Self>() - 1))
    }

    /// Returns the address that stands in the page map for the bin of `class`.
    pub fn bin_address(&self, class: usize) -> usize {
        core::ptr::from_ref(self.cache.bin(class)) as usize
    }

    /// Returns whether `bin`, as the page map has it, is one of the heap's that a TLS word points into. An exclusive or instead
    /// of a difference, because the compiler need not keep the heap's address then.
    #[inline(always)]
    pub fn has_bin(word: *const u8, bin: usize) -> bool {
        bin ^ (word as usize) < size_of::<Self>()
    }

    /// Returns the slab of an address, if it is one of this heap's.
    pub fn slab_of(&self, address: *const u8) -> Option<&'static Slab> {
        let (bin, slab) = Slab::of(page_map::entry(address as usize))?;
        Self::has_bin(core::ptr::from_ref(self).cast(), bin).then_some(slab)
    }

    /// Returns what its thread has cached.
    pub fn cache(&self) -> &ThreadCache<CLASSES> {
        &self.cache
    }

    /// Returns its slabs.
    pub fn slabs(&self) -> &SlabSet<CLASSES> {
        &self.slabs
    }

    /// Returns what its thread freed of other heaps' blocks.
    #[inline(always)]
    pub fn remote_cache(&self) -> &RemoteCache {
        &self.pages.remote_cache
    }

    /// Returns what its thread's mallocs take from while it ticks.
    pub fn rations(&self) -> &super::ticking::Rations {
        &self.pages.rations
    }

    /// Returns what other threads freed.
    pub fn remote(&self) -> &RemoteStack<Batch> {
        &self.shared.remote
    }

    /// Returns whether it has a thread.
    pub fn ownership(&self) -> &Ownership {
        &self.shared.ownership
    }

    /// Returns who may touch what the slow paths use.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Gives its thread access to what the slow paths use until the guard is dropped. May be nested: by slow paths that call
    /// each other.
    pub fn change(&self) -> HeapChange<'_> {
        self.access.begin()
    }

    /// Marks the remote cache as changing until the guard is dropped. May be nested.
    #[inline(always)]
    pub fn change_remote_cache(&self) -> Change<'_> {
        self.collecting.begin()
    }

    /// Returns whether nobody was changing the heap a moment ago. In a forked child, for a heap whose thread is gone, the
    /// answer stays.
    pub fn is_whole(&self) -> bool {
        self.access.is_free() && self.collecting.is_whole()
    }

    /// Returns how many blocks of a class are cached.
    pub fn cached(&self, class: usize) -> usize {
        self.cache.cached(class) + if self.ticking.is_on() { self.rations().length(class) } else { 0 }
    }

    /// Notes that a bin's count may be one off, because its thread vanished.
    pub fn note_miscounted(&self) {
        self.miscounted.set(1);
    }

    /// Returns whether it may have anything that is to be released: a slab, or blocks that a thread which vanished had
    /// collected.
    pub fn may_have_memory(&self) -> bool {
        self.slabs.slices() > 0 || self.miscounted.get() != 0
    }

    /// Counts the blocks of the bins anew, if they may be miscounted. A list that was written to ends where that shows.
    pub fn recount(&self, key: Key) {
        if self.miscounted.get() == 0 {
            return;
        }
        for class in 1..CLASSES {
            self.cache.recount(class, key);
            if self.ticking.is_on() {
                self.rations().recount(class, key);
            }
        }
        self.miscounted.set(0);
    }

    /// Counts blocks that went through a slow path. Returns whether the remote cache is to be sent, as it is now and then.
    pub fn count_slow(&self, blocks: usize) -> bool {
        let before = self.slow_blocks.get();
        let after = before.wrapping_add(blocks as u32);
        self.slow_blocks.set(after);
        before / SEND_INTERVAL != after / SEND_INTERVAL
    }

    /// Counts bytes that were sent to other heaps. Returns how many are to be counted as released now.
    pub fn count_sent(&self, bytes: usize) -> usize {
        let sent = self.sent.get() + bytes;
        let is_due = sent >= COUNT_SENT;
        self.sent.set(if is_due { 0 } else { sent });
        if is_due { sent } else { 0 }
    }

    /// Returns whether the last scan of all classes was so many milliseconds ago at the time `now`.
    pub fn is_scan_due(&self, now: u64, every: u32) -> bool {
        (now as u32).wrapping_sub(self.scanned_at.get()) >= every
    }

    /// Notes that all classes are scanned at the time `now`.
    pub fn note_scan(&self, now: u64) {
        self.scanned_at.set(now as u32);
    }
}
