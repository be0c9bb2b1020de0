//! The layout of the segment: what a process tells of its memory, in a file in memory that other processes can map.
//!
//! The header says where everything is and how large, as offsets from its own start, so that a reader of another version finds
//! what it knows. What is added later is added behind, and the version's first number changes only if a reader must not go on.
//!
//! The process writes, and trusts nothing in here but [`Header::wanted`]. Readers write nothing but that word and the mark.

use crate::classes::CLASSES;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, AtomicU64};

/// The first eight bytes.
pub const MAGIC: u64 = u64::from_le_bytes(*b"xallocSG");
/// A reader that knows another number does not go on.
pub const VERSION: u32 = 1;

/// The size of a segment, in bytes: address space, of which only what is written is memory.
pub const SIZE: usize = 64 << 20;
/// Where the slots begin.
pub const SLOTS_OFFSET: usize = 16 << 10;
/// How far apart slots are.
pub const SLOT_STRIDE: usize = 8 << 10;
/// The most slots that are used.
pub const MOST_SLOTS: usize = 4096;

/// The name under which a segment stands among the descriptors of its process: a file in memory.
pub const NAME: &CStr = c"xalloc";
/// The variable by which the command hands a segment to the process that it starts: `DESCRIPTOR:TOKEN`, both decimal. The file
/// has [`SIZE`] bytes, all zeros but [`Header::token`] and [`Header::process`]. Another process takes a segment of its own; another
/// program of this process, executed by it, begins anew in this one.
pub const VARIABLE: &str = "XALLOC_SEGMENT";

/// What begins the segment.
#[repr(C)]
pub struct Header {
    /// [`MAGIC`]. Written last: before that, nothing else is there.
    pub magic: AtomicU64,
    /// [`VERSION`].
    pub version: AtomicU32,
    /// The size of this header.
    pub header_size: AtomicU32,
    /// Where the slots begin, in bytes, how far apart they are, and how many there are.
    pub slots_offset: AtomicU32,
    /// As `slots_offset`.
    pub slot_stride: AtomicU32,
    /// As `slots_offset`.
    pub slots: AtomicU32,
    /// Where the counters begin in a slot, how large those of a class are, and how many classes there are.
    pub counters_offset: AtomicU32,
    /// As `counters_offset`.
    pub counters_size: AtomicU32,
    /// As `counters_offset`.
    pub classes: AtomicU32,
    /// Where the sizes of the classes stand, each a `u64`: the largest size of a class in bytes.
    pub limits_offset: AtomicU32,
    /// Where the marked counters stand, as one slot has them.
    pub mark_offset: AtomicU32,
    /// The process that writes.
    pub process: AtomicU32,
    /// The process that it was forked from, if it goes on with what that one had counted; otherwise 0.
    pub parent: AtomicU32,
    /// What readers want to be observed: see [`wanted`](crate::wanted).
    pub wanted: AtomicU32,
    /// 1 if all was counted from the first allocation on, 0 if the process was running before.
    pub is_complete: AtomicU32,
    /// Odd while a thread's counters move to those of the exited threads.
    pub epoch: AtomicU32,
    /// How many slots were ever used.
    pub used_slots: AtomicU32,
    /// When the process was observed first, in milliseconds of the monotonic clock.
    pub began: AtomicU64,
    /// When readers set the mark; 0 if there is none.
    pub marked: AtomicU64,
    /// How many threads could not be observed because all slots were used.
    pub refused_threads: AtomicU64,
    /// The bytes of all blocks in use, up to 64 KiB for each thread less or more.
    pub live: AtomicU64,
    /// The most that `live` was since the start, or since a reader has set it.
    pub peak: AtomicU64,
    /// What a reader that makes a segment for a process puts here, so that the process knows it for its own.
    pub token: AtomicU64,
    /// The name of the program, as far as it fits.
    pub program: [AtomicU64; 8],
    /// How many bytes are between two samples of the heap profile, on average.
    pub sample: AtomicU64,
    /// Samples that there was no room for.
    pub dropped_samples: AtomicU64,
    /// Where the call stacks begin, in bytes, how far apart they are, how many there may be, and how many there are.
    pub stacks_offset: AtomicU32,
    /// As `stacks_offset`.
    pub stack_stride: AtomicU32,
    /// As `stacks_offset`.
    pub stacks: AtomicU32,
    /// As `stacks_offset`.
    pub stacks_used: AtomicU32,
}

/// A call stack, and the samples that were allocated there: as they are, not multiplied with what each stands for.
#[repr(C)]
pub struct Stack {
    /// How many frames it has; 0 for what could not be walked.
    pub depth: AtomicU64,
    /// Samples in use.
    pub live_objects: AtomicU64,
    /// Their usable bytes.
    pub live_bytes: AtomicU64,
    /// All samples that were ever allocated there.
    pub allocated_objects: AtomicU64,
    /// Their usable bytes.
    pub allocated_bytes: AtomicU64,
    /// For what is added later.
    pub reserved: [AtomicU64; 3],
    /// The return addresses, innermost first.
    pub frames: [AtomicU64; MOST_FRAMES],
}

/// The most frames of a stack: those beyond, the outermost, are left out.
pub const MOST_FRAMES: usize = 56;
/// Where the stacks begin, and how many there may be.
pub const STACKS_OFFSET: usize = 40 << 20;
/// As [`STACKS_OFFSET`].
pub const MOST_STACKS: usize = 32 << 10;
/// How many bytes are between two samples, on average, unless told otherwise.
pub const SAMPLE: u64 = 512 << 10;

const _: () = assert!(size_of::<Header>() <= LIMITS_OFFSET);
const _: () = assert!(SLOTS_OFFSET + MOST_SLOTS * SLOT_STRIDE <= STACKS_OFFSET);
const _: () = assert!(STACKS_OFFSET + MOST_STACKS * size_of::<Stack>() <= SIZE);

/// The counters of the blocks of one class, in one slot. Only the slot's thread writes them, or whoever has the lock of the
/// exited threads' slot; those of the slot for all others every thread adds to.
#[repr(C)]
pub struct Counters {
    /// Blocks that the thread allocated.
    pub allocations: AtomicU64,
    /// Blocks of its own heap that it freed.
    pub frees: AtomicU64,
    /// Blocks of others that it freed.
    pub remote_frees: AtomicU64,
    /// Bytes that it asked for.
    pub requested: AtomicU64,
    /// Usable bytes of the blocks that it allocated.
    pub allocated: AtomicU64,
    /// Usable bytes of the blocks that it freed.
    pub freed: AtomicU64,
}

/// What a thread tells.
#[repr(C, align(64))]
pub struct Slot {
    /// 0: nobody's. Otherwise one more than the thread's number in the kernel.
    pub thread: AtomicU64,
    /// When it was observed first, in milliseconds of the monotonic clock.
    pub began: AtomicU64,
    /// The thread's name, as far as it is known.
    pub name: [AtomicU64; 2],
    /// For what is added later.
    pub reserved: [AtomicU64; 4],
    /// The counters, by class.
    pub counters: [Counters; CLASSES],
}

/// The slot of all threads that have ended.
pub const EXITED: usize = 0;
/// The slot of threads that have none: they are starting or ending, or there are too many.
pub const OTHERS: usize = 1;
/// The first slot of a thread.
pub const FIRST: usize = 2;

const _: () = assert!(size_of::<Slot>() <= SLOT_STRIDE && SLOT_STRIDE.is_multiple_of(align_of::<Slot>()));
const _: () = assert!(MARK_OFFSET + size_of::<[Counters; CLASSES]>() <= SLOTS_OFFSET);

/// Where the sizes of the classes stand.
pub const LIMITS_OFFSET: usize = 1 << 10;
/// Where the mark stands.
pub const MARK_OFFSET: usize = 4 << 10;
