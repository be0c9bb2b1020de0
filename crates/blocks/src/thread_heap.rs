//! A thread's own heap: its cache, its slabs, what others freed of them, and what it freed of others'. Adopted by another
//! thread when its own ends, never unmapped: so a bin's address can stand in the page map for as long as the process lives.
//!
//! It is made of pages: the first one has what every thread uses; the second one has only the remote cache, and is never
//! touched by a thread that frees its own blocks; the pages behind are for whoever composes a heap.

use crate::access::{Access, Change as HeapChange};
use crate::batch::Batch;
use crate::changing::{Change, Changing};
use crate::free_list::Key;
use crate::metadata::Metadata;
use crate::ownership::Ownership;
use crate::page_map;
use crate::registry::{Links, Registered};
use crate::remote::RemoteStack;
use crate::remote_cache::RemoteCache;
use crate::single_writer::{Count32, Word};
use crate::size_class::Class;
use crate::slab::Slab;
use crate::slab_set::SlabSet;
use crate::sync::{AtomicU32, AtomicUsize, Lock};
use crate::thread_cache::ThreadCache;
use xalloc_os::thread::{CACHE_SIZE, Phase};

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

/// The heap of one thread, of blocks of the classes from 1 to `N` - 1. `X` is what is kept of it beside that, and `P` what is
/// kept in pages of their own; zeros at first. Its size is a power of two, and so it is aligned to its size.
#[repr(C, align(16384))]
pub struct ThreadHeap<const N: usize, X: 'static, P: 'static> {
    /// First, so that "is this bin mine?" is one instruction and one comparison.
    cache: ThreadCache<N>,
    shared: Shared,
    slabs: SlabSet<N>,
    /// Who may touch what the slow paths use: all of the heap but the remote cache and the bins' words other than `previous`,
    /// which are its thread's.
    access: Access,
    /// While the thread changes its remote cache.
    collecting: Changing,
    /// 1 when a bin's count may be one off: its thread vanished in a fork between the two stores of a hit path.
    miscounted: Count32,
    links: Links<Self>,
    /// Bytes that the thread sent to other heaps and has not counted as released.
    sent: Word,
    /// Blocks that went through slow paths.
    slow_blocks: Count32,
    /// When all classes were scanned, in milliseconds.
    scanned_at: Count32,
    extra: X,
    remote_cache: RemoteCache,
    pages: P,
}

// SAFETY: all words are atomic; the flags of the slabs' lists, which are read and written apart, only who has access touches.
unsafe impl<const N: usize, X: Sync, P: Sync> Sync for ThreadHeap<N, X, P> {}

impl<const N: usize, X: Sync, P: Sync> ThreadHeap<N, X, P> {
    /// The size of what comes before the remote cache: the pages that every thread uses.
    pub const FIRST_PAGES: usize = core::mem::offset_of!(Self, remote_cache);

    /// Returns a heap made of zeroed memory, with an owner.
    ///
    /// # Safety
    /// `memory` is zeroed, aligned to and as large as the size of this type, and the caller's for ever. Zeros are a value of
    /// `X` and `P`.
    unsafe fn create(memory: *mut u8, table: &[Class; N]) -> &'static Self {
        const {
            assert!(N * size_of::<crate::bin::Bin>() <= CACHE_SIZE, "the bins must fit behind the TLS word");
            assert!(size_of::<Self>().is_power_of_two(), "a heap's address is a bin's without its lowest bits");
        }
        let heap = memory.cast::<Self>();
        // SAFETY: zeros are valid in every field; the words of the protocols are set explicitly.
        let heap = unsafe {
            let remote = RemoteStack::around(AtomicUsize::new(0));
            (&raw mut (*heap).shared).write(Shared { remote, ownership: Ownership::around(AtomicU32::new(0)) });
            (&raw mut (*heap).access).write(Access::around(AtomicU32::new(0), Lock::new()));
            (&raw mut (*heap).collecting).write(Changing::around(AtomicU32::new(0)));
            &*heap
        };
        heap.cache.init(table);
        heap
    }

    /// Returns a heap in memory of its own, with an owner. `None` if there is no memory.
    ///
    /// # Safety
    /// Zeros are a value of `X` and `P`.
    pub unsafe fn create_in(metadata: &Metadata, table: &[Class; N]) -> Option<&'static Self> {
        let memory = metadata.allocate_aligned(size_of::<Self>(), size_of::<Self>())?;
        // SAFETY: zeroed, aligned, and for ever; the caller's about zeros.
        Some(unsafe { Self::create(memory, table) })
    }

    /// Returns the calling thread's heap, if it has one. It is one of this type.
    pub fn own() -> Option<&'static Self> {
        match Phase::current() {
            // SAFETY: a cache in the TLS word is this thread's heap, which is never unmapped.
            Phase::Cached(word) => Some(unsafe { Self::of_word(word) }),
            _ => None,
        }
    }

    /// Returns the heap that a bin's address belongs to, and the bin's class.
    ///
    /// # Safety
    /// `bin` stands in the page map for a slab of such a heap.
    pub unsafe fn of_bin(bin: usize) -> (&'static Self, usize) {
        let heap = bin & !(size_of::<Self>() - 1);
        // SAFETY: heaps are aligned to their size and are never unmapped.
        (unsafe { &*(heap as *const Self) }, Self::class_of_bin(bin))
    }

    /// Returns the heap behind the TLS word of one of its threads.
    ///
    /// # Safety
    /// The word is that of a thread with a cache ([`Phase::Cached`]).
    pub unsafe fn of_word(word: *mut u8) -> &'static Self {
        // SAFETY: it points into a heap: at its cache, or into its pages. Heaps are aligned to their size and are never
        // unmapped.
        unsafe { &*word.map_addr(|address| address & !(size_of::<Self>() - 1)).cast() }
    }

    /// Returns the class of a bin, by its address.
    #[inline(always)]
    pub fn class_of_bin(bin: usize) -> usize {
        ThreadCache::<N>::class_at(bin & (size_of::<Self>() - 1))
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
    pub fn cache(&self) -> &ThreadCache<N> {
        &self.cache
    }

    /// Returns its slabs.
    pub fn slabs(&self) -> &SlabSet<N> {
        &self.slabs
    }

    /// Returns what its thread freed of other heaps' blocks.
    #[inline(always)]
    pub fn remote_cache(&self) -> &RemoteCache {
        &self.remote_cache
    }

    /// Returns what is kept of it beside the rest.
    #[inline(always)]
    pub fn extra(&self) -> &X {
        &self.extra
    }

    /// Returns what is kept in pages of their own.
    #[inline(always)]
    pub fn pages(&self) -> &P {
        &self.pages
    }

    /// Returns what other threads freed.
    pub fn remote(&self) -> &RemoteStack<Batch> {
        &self.shared.remote
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

    /// Returns whether it may have anything that is to be released: a slab, or blocks that a thread which vanished had
    /// collected.
    pub fn may_have_memory(&self) -> bool {
        self.slabs.slices() > 0 || self.miscounted.get() != 0
    }

    /// Returns whether the counts of its bins may be one off, and that they are right from now on: the caller counts anew.
    pub fn take_miscounted(&self) -> bool {
        let miscounted = self.miscounted.get() != 0;
        self.miscounted.set(0);
        miscounted
    }

    /// Counts the blocks of the cache anew, if they may be miscounted. A list that was written to ends where that shows.
    pub fn recount(&self, key: Key) {
        if self.take_miscounted() {
            (1..N).for_each(|class| self.cache.recount(class, key));
        }
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

    /// Returns whether the last scan of all classes was so many milliseconds ago at the time `now`, in milliseconds.
    pub fn is_scan_due(&self, now: u64, every: u32) -> bool {
        (now as u32).wrapping_sub(self.scanned_at.get()) >= every
    }

    /// Notes that all classes are scanned at the time `now`.
    pub fn note_scan(&self, now: u64) {
        self.scanned_at.set(now as u32);
    }
}

impl<const N: usize, X: Sync + 'static, P: Sync + 'static> Registered for ThreadHeap<N, X, P> {
    fn links(&self) -> &Links<Self> {
        &self.links
    }

    fn ownership(&self) -> &Ownership {
        &self.shared.ownership
    }

    fn access(&self) -> &Access {
        &self.access
    }

    fn is_whole(&self) -> bool {
        self.access.is_free() && self.collecting.is_whole()
    }

    fn note_vanished(&self) {
        self.miscounted.set(1);
    }
}
