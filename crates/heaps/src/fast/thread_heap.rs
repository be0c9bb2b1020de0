//! A thread's own heap: its bins, its remote free list, its outgoing segments. Adopted by another thread when its own ends, never
//! unmapped: so a bin's address can stand in the page map for as long as the process lives.
//!
//! Three pages: the second one has only the outgoing segments, and is never touched by a thread that frees its own blocks; the third one
//! is touched only by threads that tick.

use super::classes::{CLASSES, TABLE};
use super::limits;
use super::segment::Segment;
use super::ticking::Rations;
use xalloc_blocks::access::{Access, Change as HeapChange};
use xalloc_blocks::bin::Bin;
use xalloc_blocks::changing::{Change, Changing};
use xalloc_blocks::free_list::{Block, Key};
use xalloc_blocks::ownership::Ownership;
use xalloc_blocks::page_map;
use xalloc_blocks::remote::RemoteStack;
use xalloc_blocks::single_writer::{Count16, Count32, Pointer, Word};
use xalloc_blocks::slab::Slab;
use xalloc_blocks::sync::{AtomicU32, AtomicUsize, Lock};
use xalloc_os::thread::Phase;

/// Blocks of one slab of another thread's, collected until they are worth sending.
pub struct Outgoing {
    /// The slab; null when nothing is collected.
    pub slab: Pointer<Slab>,
    /// The block freed last.
    pub head: Pointer<Block>,
    /// The block freed first.
    pub tail: Pointer<Block>,
    /// How many.
    pub count: Count32,
    /// How many are sent together.
    pub most: Count32,
}

/// How many slabs' blocks are collected at once: a page full. A quarter of it made most batches a block or two in programs
/// that free mixed sizes.
pub const OUTGOING: usize = PAGE / size_of::<Outgoing>();
const PAGE: usize = 4096;

/// What the slow paths need of one class.
#[repr(C)]
pub struct Class {
    /// Slabs with free blocks.
    pub partial: Pointer<Slab>,
    /// How long the bin's list was when its `room` was last set to `limit`.
    base: Count16,
    /// How many blocks beyond `base` the list may hold.
    limit: Count16,
    /// The length of the bin's previous list.
    pub previous_length: Count16,
    /// See [`flag`]. Only who has access to the heap uses them.
    flags: core::cell::Cell<u16>,
}

/// Bits of a class's flags.
pub mod flag {
    /// Blocks went back to slabs since the last refill: the limit was too small if a refill follows.
    pub const FLUSHED: u16 = 1;
    /// One slab of the class is kept although none of its blocks is used.
    pub const KEEPS_EMPTY: u16 = 2;
    /// The heap has a slab of the class, or had several.
    pub const HAS_SLAB: u16 = 4;
    /// The heap had several slabs of the class at some time.
    pub const HAD_SLABS: u16 = 8;
    /// The other bits: how the bin looked when it was looked at last.
    pub const LOOK: u16 = !15;
}

/// What other threads write, and read after that: on a line of its own, apart from what the owner writes.
#[repr(align(64))]
struct Shared {
    /// What other threads freed.
    remote: RemoteStack<Segment>,
    /// Whether it has a thread.
    ownership: Ownership,
}

/// The heap of one thread.
#[repr(C, align(16384))]
pub struct ThreadHeap {
    /// First, so that "is this bin mine?" is one subtraction and one comparison.
    pub bins: [Bin; CLASSES],
    shared: Shared,
    /// Who may touch what the slow paths use: all of the heap but the outgoing slots and the bins' words other than `previous`, which
    /// are its thread's.
    access: Access,
    /// While the thread changes an outgoing slot.
    collecting: Changing,
    /// Bytes that the thread sent to other heaps and has not counted as released.
    pub sent: Word,
    /// 1 when a bin's count may be one off: its thread vanished in a fork between the two stores of a hit path.
    pub miscounted: Count32,
    /// The next heap of all.
    pub next: Pointer<ThreadHeap>,
    /// The next abandoned heap.
    pub next_abandoned: Pointer<ThreadHeap>,
    /// Blocks that went through slow paths.
    pub moved: Count32,
    /// Slices of the heap's slabs.
    pub slices: Count32,
    /// By how many bytes all limits were raised above the first ones.
    pub raised: Word,
    /// Slices of slabs that are kept although none of their blocks is used.
    pub empty_slices: Count32,
    /// When all classes were asked, in milliseconds.
    pub classes_asked_at: Count32,
    /// When the last ration was used up, in milliseconds.
    pub ticked_at: Count32,
    /// How many blocks a ration has; 0 when the thread does not tick.
    pub ration_size: Count16,
    /// The class that was asked last whether it can do with less.
    pub asked: Count16,
    /// What the slow paths need of each class.
    pub classes: [Class; CLASSES],
    /// By a hash of the slab.
    pub outgoing: SecondPage,
    /// What `malloc` takes from while the thread ticks.
    pub rations: Rations,
}

/// See [`OUTGOING`].
#[repr(C, align(4096))]
pub struct SecondPage(pub [Outgoing; OUTGOING]);

const _: () = assert!(core::mem::offset_of!(ThreadHeap, outgoing) == PAGE);
const _: () = assert!(core::mem::offset_of!(ThreadHeap, rations) == 2 * PAGE && size_of::<ThreadHeap>() == 4 * PAGE);
const _: () = assert!(size_of::<[Bin; CLASSES]>() <= xalloc_os::thread::CACHE_SIZE);
const _: () = assert!(core::mem::offset_of!(ThreadHeap, bins) == 0);

// SAFETY: all words but the classes' flags are atomic, and those only who has access touches.
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
        for (class, bin) in heap.bins.iter().enumerate().skip(1) {
            bin.init(&TABLE[class]);
            heap.classes[class].limit.set(limits::first(class));
            heap.clear_bin(class);
        }
        heap
    }

    /// The calling thread's heap, if it has one.
    pub fn own() -> Option<&'static Self> {
        match Phase::current() {
            // SAFETY: a cache in the TLS word is this thread's heap, which is never unmapped.
            Phase::Cached(word) => Some(unsafe { Self::of_word(word) }),
            _ => None,
        }
    }

    /// What other threads freed.
    pub fn remote(&self) -> &RemoteStack<Segment> {
        &self.shared.remote
    }

    /// Whether it has a thread.
    pub fn ownership(&self) -> &Ownership {
        &self.shared.ownership
    }

    /// Who may touch what the slow paths use.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The heap that a bin's address, as the page map has it, belongs to, and the bin's class.
    ///
    /// # Safety
    /// `bin` came from the page map.
    pub unsafe fn of_bin(bin: usize) -> (&'static Self, usize) {
        let heap = bin & !(size_of::<Self>() - 1);
        // SAFETY: heaps are aligned to their size and are never unmapped.
        (unsafe { &*(heap as *const Self) }, Self::class_of_bin(bin))
    }

    /// The heap behind the TLS word of one of its threads.
    ///
    /// # Safety
    /// The word is that of a thread with a cache ([`Phase::Cached`](xalloc_os::thread::Phase)).
    pub unsafe fn of_word(word: *mut u8) -> &'static Self {
        // SAFETY: it points into a heap: at the heap itself, or at its rations. Heaps are aligned to their size and are never unmapped.
        unsafe { &*word.map_addr(|address| address & !(size_of::<Self>() - 1)).cast() }
    }

    /// The slab of an address, if it is one of this heap's.
    pub fn slab_of(&self, address: *const u8) -> Option<&'static Slab> {
        let (bin, slab) = Slab::of(page_map::entry(address as usize))?;
        Self::has_bin(core::ptr::from_ref(self).cast(), bin).then_some(slab)
    }

    /// Whether its thread's mallocs take from the rations.
    pub fn is_ticking(&self) -> bool {
        self.ration_size.get() != 0
    }

    /// The bin that its thread's mallocs of a class take from.
    pub fn front(&self, class: usize) -> &Bin {
        if self.is_ticking() { self.rations.bin(class) } else { &self.bins[class] }
    }

    /// The class of a bin, by its address.
    #[inline(always)]
    pub fn class_of_bin(bin: usize) -> usize {
        (bin & (size_of::<Self>() - 1)) / size_of::<Bin>()
    }

    /// The address that stands in the page map for the bin of `class`.
    pub fn bin_address(&self, class: usize) -> usize {
        (&raw const self.bins[class]) as usize
    }

    /// Whether `bin`, as the page map has it, is one of the heap's that a TLS word points into. An exclusive or instead of a difference,
    /// because the compiler need not keep the heap's address then.
    #[inline(always)]
    pub fn has_bin(word: *const u8, bin: usize) -> bool {
        bin ^ (word as usize) < size_of::<Self>()
    }

    /// How many blocks a bin's list has.
    pub fn length(&self, class: usize) -> usize {
        let Class { base, limit, .. } = &self.classes[class];
        (i32::from(base.get()) + i32::from(limit.get()) - self.bins[class].room.get()).max(0) as usize
    }

    /// How many blocks a bin's list may grow by.
    pub fn limit(&self, class: usize) -> u16 {
        self.classes[class].limit.get()
    }

    /// Changes that; the list stays, and is full at once if it is longer than it may be now.
    pub fn set_limit(&self, class: usize, limit: u16) {
        let (bin, old) = (&self.bins[class], self.limit(class));
        bin.room.set(bin.room.get() + i32::from(limit) - i32::from(old));
        self.classes[class].limit.set(limit);
    }

    /// Gives a bin a list of `count` blocks that the limit does not count: they do not go back to slabs at the next free.
    pub fn refill_bin(&self, class: usize, head: *mut Block, count: usize) {
        self.bins[class].head.set(head);
        self.classes[class].base.set(count as u16);
        self.bins[class].room.set(i32::from(self.limit(class)));
    }

    /// Gives a bin its previous list, which the limit counts. False if it has none.
    pub fn refill_from_previous(&self, class: usize) -> bool {
        let (bin, previous, count) =
            (&self.bins[class], self.bins[class].previous.get(), self.classes[class].previous_length.get());
        if previous.is_null() {
            return false;
        }
        self.set_previous(class, core::ptr::null_mut(), 0);
        bin.head.set(previous);
        self.classes[class].base.set(0);
        bin.room.set(i32::from(self.limit(class)) - i32::from(count));
        true
    }

    /// Sets a bin's previous list.
    pub fn set_previous(&self, class: usize, head: *mut Block, count: usize) {
        self.bins[class].previous.set(head);
        self.classes[class].previous_length.set(count as u16);
    }

    /// Leaves a bin without a list.
    pub fn clear_bin(&self, class: usize) {
        self.refill_bin(class, core::ptr::null_mut(), 0);
    }

    /// Leaves the bin that `malloc` takes from without a list.
    pub fn clear_front(&self, class: usize) {
        if self.is_ticking() {
            self.rations.set(class, core::ptr::null_mut(), 0);
        } else {
            self.clear_bin(class);
        }
    }

    /// How many blocks of a class are cached.
    pub fn cached(&self, class: usize) -> usize {
        let previous_length =
            if self.bins[class].previous.get().is_null() { 0 } else { self.classes[class].previous_length.get() };
        let ration = if self.is_ticking() { self.rations.length(class) } else { 0 };
        self.length(class) + previous_length as usize + ration
    }

    /// Counts the blocks of the bins anew. A list that was written to ends where that shows.
    pub fn recount(&self, key: Key) {
        for class in 1..CLASSES {
            let head = self.bins[class].head.get();
            self.refill_bin(class, head, count(head, key));
            if self.is_ticking() {
                let head = self.rations.bin(class).head.get();
                self.rations.set(class, head, count(head, key));
            }
        }
        self.miscounted.set(0);
    }

    /// Whether a flag of a class is set.
    pub fn has_flag(&self, class: usize, flag: u16) -> bool {
        self.classes[class].flags.get() & flag != 0
    }

    /// Sets or clears a flag of a class.
    pub fn set_flag(&self, class: usize, flag: u16, value: bool) {
        let flags = &self.classes[class].flags;
        flags.set(if value { flags.get() | flag } else { flags.get() & !flag });
    }

    /// Whether a bin has changed since this was last asked. Mistaken once in some thousand times, which then costs a
    /// refill.
    pub fn has_changed(&self, class: usize) -> bool {
        let look_at = |bin: &Bin| {
            let head = bin.head.get() as usize / 16;
            head ^ head >> 14 ^ bin.room.get() as usize
        };
        let ration = if self.is_ticking() { look_at(self.rations.bin(class)) << 1 } else { 0 };
        let look = (look_at(&self.bins[class]) ^ ration).wrapping_mul(16) as u16 & flag::LOOK;
        let flags = &self.classes[class].flags;
        let before = flags.get() & flag::LOOK;
        flags.set(flags.get() & !flag::LOOK | look);
        before != look
    }

    /// Gives its thread access to what the slow paths use until the guard is dropped. May be nested: by slow paths that call each
    /// other.
    pub fn change(&self) -> HeapChange<'_> {
        self.access.begin()
    }

    /// How many bytes of other heaps' blocks wait to be sent, now or lately.
    pub fn collected(&self) -> usize {
        let bytes = |slot: &Outgoing| {
            // SAFETY: a slab's record lives as long as the process.
            let slab = unsafe { slot.slab.get().as_ref() };
            slab.map_or(0, |slab| slot.count.get() as usize * slab.shape().size as usize)
        };
        self.outgoing.0.iter().map(bytes).sum()
    }

    /// Marks the outgoing slots as changing until the guard is dropped. May be nested.
    pub fn change_outgoing(&self) -> Change<'_> {
        self.collecting.begin()
    }

    /// Whether nobody was changing the heap a moment ago; in a child, for a heap whose thread is gone, for good.
    pub fn is_whole(&self) -> bool {
        self.access.is_free() && self.collecting.is_whole()
    }
}

/// The number of blocks of a free list of a heap whose thread vanished.
fn count(head: *mut Block, key: Key) -> usize {
    let (mut count, mut block) = (0, head);
    // Not for ever, should a handler have made a ring of it.
    while !block.is_null() && count < u16::MAX as usize {
        count += 1;
        // SAFETY: a free block of one of the heap's bins; a list is whole after every store of a hit path.
        block = unsafe { Block::next(block, key) }.unwrap_or(core::ptr::null_mut());
    }
    count
}
