//! A thread's own heap: its bins, its mailbox, its outgoing segments. Adopted by another thread when its own ends, never
//! unmapped: so a bin's address can stand in the page map for as long as the process lives.
//!
//! Two pages: the second one has only the outgoing segments, and is never touched by a thread that frees its own blocks.

use super::limits;
use crate::remote::{Chained, RemoteStack};
use crate::single_writer::{Count16, Count32, Pointer, Signed32, Word};
use crate::size_class::{CLASSES, class_of};
use crate::slab::{Block, Slab};
use crate::sync::{AtomicPtr, AtomicU32};
use crate::tenancy::Tenancy;

/// The free blocks of one class that are at hand: a list to take from and give to, and a full list in reserve.
#[repr(C)]
pub struct Bin {
    /// The list at hand.
    pub head: Pointer<Block>,
    /// How many blocks may still be freed into `head` before it moves to `spill`.
    pub room: Signed32,
    /// How long `head` was when `room` was last set to `limit`.
    pub base: Count16,
    /// How many blocks beyond `base` the list may hold.
    pub limit: Count16,
    /// A list in reserve: what a burst of frees left, and a burst of mallocs takes.
    pub spill: Pointer<Block>,
    /// Slabs with free blocks.
    pub partial: Pointer<Slab>,
}

impl Bin {
    /// Takes a block that is at hand, or null.
    #[inline(always)]
    pub fn pop(&self) -> *mut u8 {
        let block = self.head.get();
        if !block.is_null() {
            // SAFETY: a free block of this bin, whose first word is the list's.
            self.head.set(unsafe { (*block).next });
            self.room.set(self.room.get() + 1);
        }
        block.cast()
    }

    /// The length of `head`.
    pub fn length(&self) -> usize {
        (self.base.get() as i32 + self.limit.get() as i32 - self.room.get()).max(0) as usize
    }

    /// Changes the limit; the list at hand stays, and is full at once if it is longer than it may be now.
    pub fn set_limit(&self, limit: u16) {
        self.room.set(self.room.get() + i32::from(limit) - i32::from(self.limit.get()));
        self.limit.set(limit);
    }

    /// Puts `count` blocks at hand that the limit does not count: they are not given back at the next free.
    pub fn refill(&self, head: *mut Block, count: usize) {
        self.head.set(head);
        self.base.set(count as u16);
        self.room.set(self.limit.get() as i32);
    }

    /// Leaves nothing at hand.
    pub fn clear(&self) {
        self.refill(core::ptr::null_mut(), 0);
    }
}

/// The largest size that [`BIN_OF_SIZE`] knows.
pub const SHORT_MAX: usize = 1024;

/// Where in a [`ThreadHeap`] the bin for a size is. One load, of which a program's few sizes use a few cache lines; the
/// classes' two rules, up to 512 and above, would need six more instructions, or a branch that is guessed wrong in programs
/// that mix sizes below and above. A constant, so that it is known wherever a size is.
pub const BIN_OF_SIZE: &[u16; SHORT_MAX + 1] = &{
    let mut table = [0; SHORT_MAX + 1];
    let mut size = 0;
    while size <= SHORT_MAX {
        table[size] = (class_of(size) * size_of::<Bin>()) as u16;
        size += 1;
    }
    table
};

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

/// A segment: blocks of one slab on their way home. It lies in its own last block, whose first word points to the first
/// one, so that the owner can splice the whole chain without walking it.
#[repr(C)]
pub struct Segment {
    /// The first block; the chain ends at the segment itself.
    pub first: *mut Block,
    /// The stack's link in the low 48 bits, the number of blocks above.
    link_and_count: usize,
}

const LINK_BITS: u32 = 48;

impl Segment {
    /// Writes the segment of a chain into its last block. Every block has the two words: the smallest is 16 bytes.
    ///
    /// # Safety
    /// The chain of `count` blocks from `head` to `tail` is the caller's.
    pub unsafe fn new(head: *mut Block, tail: *mut Block, count: usize) -> *mut Self {
        let segment = tail.cast::<Self>();
        // SAFETY: the caller's promise.
        unsafe { segment.write(Self { first: head, link_and_count: count << LINK_BITS }) };
        segment
    }

    /// The number of blocks.
    pub fn count(&self) -> usize {
        self.link_and_count >> LINK_BITS
    }
}

impl Chained for Segment {
    unsafe fn set_link(this: *mut Self, link: *mut Self) {
        // SAFETY: the caller's promise.
        unsafe { (*this).link_and_count = (*this).count() << LINK_BITS | link as usize };
    }

    unsafe fn link(this: *mut Self) -> *mut Self {
        // SAFETY: the caller's promise.
        unsafe { ((*this).link_and_count & ((1 << LINK_BITS) - 1)) as *mut Self }
    }
}

/// Bits of [`ThreadHeap::class_flags`].
pub mod flag {
    /// Blocks went back to slabs since the last refill: the limit was too small if a refill follows.
    pub const FLUSHED: u16 = 1;
    /// One slab of the class is kept although none of its blocks is used.
    pub const KEEPS_EMPTY: u16 = 2;
    /// The other bits: how the bin looked when it was looked at last.
    pub const LOOK: u16 = !3;
}

#[repr(align(64))]
struct OwnLine<T>(T);

/// The heap of one thread.
#[repr(C, align(8192))]
pub struct ThreadHeap {
    /// First, so that "is this bin mine?" is one subtraction and one comparison.
    pub bins: [Bin; CLASSES],
    /// What other threads freed. On a line of its own: the only word they write.
    remote: OwnLine<RemoteStack<Segment>>,
    /// Who may touch this heap.
    pub tenancy: Tenancy,
    /// 1 while the owner changes more than one word: a fork from another thread finds the heap inconsistent then.
    pub changing: Count32,
    /// 1 when a bin's count may be one off: its thread vanished in a fork between the two stores of a hit path.
    pub miscounted: Count32,
    /// The next heap of all.
    pub next: Pointer<ThreadHeap>,
    /// The next orphan.
    pub next_orphan: Pointer<ThreadHeap>,
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
    /// The class that was asked last whether it can do with less.
    pub asked: Count16,
    /// The length of each class's spill.
    pub spilled: [Count16; CLASSES],
    /// Per class, see [`flag`]. Only the owner uses them.
    class_flags: [core::cell::Cell<u16>; CLASSES],
    /// By a hash of the slab.
    pub outgoing: SecondPage,
}

/// See [`OUTGOING`].
#[repr(C, align(4096))]
pub struct SecondPage(pub [Outgoing; OUTGOING]);

const _: () = assert!(size_of::<ThreadHeap>() == 2 * PAGE && core::mem::offset_of!(ThreadHeap, outgoing) == PAGE);
const _: () = assert!(size_of::<[Bin; CLASSES]>() <= xalloc_os::thread::CACHE_SIZE);
const _: () = assert!(core::mem::offset_of!(ThreadHeap, bins) == 0 && size_of::<Bin>() == 32);

// SAFETY: all words but `class_flags` are atomic, and those only the tenant touches.
unsafe impl Sync for ThreadHeap {}

impl ThreadHeap {
    /// Sets up a heap in zeroed memory, as its first tenant.
    ///
    /// # Safety
    /// `memory` is zeroed, aligned to and as large as this type, and the caller's for ever.
    pub unsafe fn create(memory: *mut u8) -> &'static Self {
        let heap = memory.cast::<Self>();
        // SAFETY: zeros are valid in every field; the two protocol words are set explicitly.
        let heap = unsafe {
            (&raw mut (*heap).remote).write(OwnLine(RemoteStack::new(AtomicPtr::new(core::ptr::null_mut()))));
            (&raw mut (*heap).tenancy).write(Tenancy::new(AtomicU32::new(0)));
            &*heap
        };
        for (class, bin) in heap.bins.iter().enumerate().skip(1) {
            bin.limit.set(limits::first(class));
            bin.clear();
        }
        heap
    }

    /// What other threads freed.
    pub fn remote(&self) -> &RemoteStack<Segment> {
        &self.remote.0
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

    /// The class of a bin, by its address.
    #[inline(always)]
    pub fn class_of_bin(bin: usize) -> usize {
        (bin & (size_of::<Self>() - 1)) / size_of::<Bin>()
    }

    /// The address that stands in the page map for the bin of `class`.
    pub fn bin_address(&self, class: usize) -> usize {
        (&raw const self.bins[class]) as usize
    }

    /// Whether `bin`, as the page map has it, is one of the heap's at this address: whether they are in one page. An
    /// exclusive or instead of a difference, because the compiler need not keep the heap's address then.
    #[inline(always)]
    pub fn has_bin(heap: *const Self, bin: usize) -> bool {
        bin ^ (heap as usize) < size_of::<[Bin; CLASSES]>()
    }

    /// Counts the blocks at hand anew.
    pub fn recount(&self) {
        for bin in &self.bins[1..] {
            let head = bin.head.get();
            let mut count = 0;
            let mut block = head;
            while !block.is_null() {
                count += 1;
                // SAFETY: a free block of this bin; the list is whole after every store of a hit path.
                block = unsafe { (*block).next };
            }
            bin.refill(head, count);
        }
        self.miscounted.set(0);
    }

    /// Whether a flag of a class is set.
    pub fn has_flag(&self, class: usize, flag: u16) -> bool {
        self.class_flags[class].get() & flag != 0
    }

    /// Sets or clears a flag of a class.
    pub fn set_flag(&self, class: usize, flag: u16, value: bool) {
        let flags = &self.class_flags[class];
        flags.set(if value { flags.get() | flag } else { flags.get() & !flag });
    }

    /// Whether a bin has changed since this was last asked. Mistaken once in some thousand times, which then costs a
    /// refill.
    pub fn has_changed(&self, class: usize) -> bool {
        let bin = &self.bins[class];
        let head = bin.head.get() as usize / 16;
        let look = (head ^ head >> 14 ^ bin.room.get() as usize).wrapping_mul(4) as u16 & flag::LOOK;
        let flags = &self.class_flags[class];
        let before = flags.get() & flag::LOOK;
        flags.set(flags.get() & !flag::LOOK | look);
        before != look
    }

    /// Marks the heap as changing until the guard is dropped. Not nested: who finds the mark is in a signal handler that
    /// interrupted the change.
    pub fn change(&self) -> Change<'_> {
        if self.changing.get() != 0 {
            xalloc_os::abort_on_reentry();
        }
        self.changing.set(1);
        // Release, as a fence: nothing of the change is visible to a fork before the mark. (A fork stops this thread at
        // an instruction; only the order of its stores matters.)
        crate::sync::fence(crate::sync::Ordering::Release);
        Change(self)
    }
}

/// Marks a [`ThreadHeap`] as changing.
pub struct Change<'a>(&'a ThreadHeap);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        // Release, as a fence: everything of the change is visible to a fork before the mark is gone.
        crate::sync::fence(crate::sync::Ordering::Release);
        self.0.changing.set(0);
    }
}
