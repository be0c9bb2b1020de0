//! Reading a segment that another process writes, or has written. Nothing in it is trusted: whatever stands there, no read is
//! outside of it, and none takes longer than its size.

use crate::layout::{Counters, Header, MAGIC, Slot, Stack, VERSION};
use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// The reasons why a file is no segment that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It does not begin as a segment does.
    NoSegment,
    /// Nobody has written to it yet.
    Empty,
    /// It is of another version: this one.
    Version(u32),
    /// What it says of itself cannot be: this field.
    Corrupt(&'static str),
}

/// A segment that can be read.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    words: &'a [AtomicU64],
    slots: Range,
    counters: Range,
    /// Where the limits stand, in words.
    limits: usize,
    /// Where the mark stands, in words.
    mark: usize,
    /// The call stacks; none in a segment of before there were any.
    stacks: Range,
}

/// Equal pieces of the segment, in words.
#[derive(Clone, Copy, Debug)]
struct Range {
    start: usize,
    stride: usize,
    count: usize,
}

/// What was counted of the blocks of a class. See [`Counters`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Blocks that were allocated.
    pub allocations: u64,
    /// Blocks that their own thread freed.
    pub frees: u64,
    /// Blocks that another thread freed.
    pub remote_frees: u64,
    /// Bytes that were asked for.
    pub requested: u64,
    /// Usable bytes of the blocks that were allocated.
    pub allocated: u64,
    /// Usable bytes of the blocks that were freed.
    pub freed: u64,
}

/// The samples of the heap profile at one call stack. See [`Stack`].
#[derive(Clone, Copy, Debug)]
pub struct StackView<'a> {
    /// Samples in use, and their bytes.
    pub live: (u64, u64),
    /// All samples that were ever allocated there, and their bytes.
    pub allocated: (u64, u64),
    /// The return addresses, innermost first; none for what could not be walked.
    pub frames: &'a [AtomicU64],
}

/// The most classes and slots that a segment may have: more than any version will.
const MOST_CLASSES: usize = 1024;
const MOST_SLOTS: usize = 1 << 20;
const MOST_STACKS: usize = 1 << 20;
/// How often the counters are read at most, where threads end all the time.
const TRIES: usize = 200;
/// How often it is looked at most whether a thread has moved its counters: for some milliseconds at least.
const LOOKS: usize = 1_000_000;

impl<'a> View<'a> {
    /// Returns the segment in `words`, which may change at any time.
    ///
    /// # Errors
    /// It is none that can be read, for this reason.
    pub fn new(words: &'a [AtomicU64]) -> Result<Self, Unreadable> {
        if words.len() * 8 < size_of::<Header>() {
            return Err(Unreadable::NoSegment);
        }
        // Acquire: who sees the magic sees the header.
        match words[0].load(Ordering::Acquire) {
            MAGIC => {}
            0 => return Err(Unreadable::Empty),
            _ => return Err(Unreadable::NoSegment),
        }
        let field = |offset: usize| half(words, offset) as usize;
        let version = field(offset_of!(Header, version)) as u32;
        if version != VERSION {
            return Err(Unreadable::Version(version));
        }
        let view = Self {
            words,
            slots: Range {
                start: word(field(offset_of!(Header, slots_offset)), "slots_offset")?,
                stride: word(field(offset_of!(Header, slot_stride)), "slot_stride")?,
                count: field(offset_of!(Header, slots)),
            },
            counters: Range {
                start: word(field(offset_of!(Header, counters_offset)), "counters_offset")?,
                stride: word(field(offset_of!(Header, counters_size)), "counters_size")?,
                count: field(offset_of!(Header, classes)),
            },
            limits: word(field(offset_of!(Header, limits_offset)), "limits_offset")?,
            mark: word(field(offset_of!(Header, mark_offset)), "mark_offset")?,
            stacks: if field(offset_of!(Header, header_size)) < size_of::<Header>() {
                Range { start: 0, stride: 0, count: 0 }
            } else {
                Range {
                    start: word(field(offset_of!(Header, stacks_offset)), "stacks_offset")?,
                    stride: word(field(offset_of!(Header, stack_stride)), "stack_stride")?,
                    count: field(offset_of!(Header, stacks)),
                }
            },
        };
        view.check()
    }

    /// Returns itself if all of its pieces lie in the segment.
    fn check(self) -> Result<Self, Unreadable> {
        let (slots, counters, stacks, total) = (self.slots, self.counters, self.stacks, self.words.len());
        let fits = |condition: bool, field| if condition { Ok(()) } else { Err(Unreadable::Corrupt(field)) };
        fits((1..=MOST_CLASSES).contains(&counters.count), "classes")?;
        fits((1..=MOST_SLOTS).contains(&slots.count), "slots")?;
        fits((size_of::<Counters>() / 8..=64).contains(&counters.stride), "counters_size")?;
        fits(counters.start <= 1024, "counters_offset")?;
        fits((1..=1 << 20).contains(&slots.stride), "slot_stride")?;
        fits(counters.start + counters.count * counters.stride <= slots.stride, "slot_stride")?;
        fits(slots.start + slots.count * slots.stride <= total, "slots")?;
        fits(self.limits + counters.count <= total, "limits_offset")?;
        fits(self.mark + counters.count * counters.stride <= total, "mark_offset")?;
        fits(stacks.count <= MOST_STACKS, "stacks")?;
        fits(stacks.count == 0 || (offset_of!(Stack, frames) / 8..=4096).contains(&stacks.stride), "stack_stride")?;
        fits(stacks.start + stacks.count * stacks.stride <= total, "stacks_offset")?;
        Ok(self)
    }

    /// Returns a word of 64 bits of the header, by its offset in [`Header`].
    pub fn header_word(&self, offset: usize) -> &'a AtomicU64 {
        &self.words[offset / 8]
    }

    /// Returns a number of 32 bits of the header, by its offset in [`Header`].
    pub fn header_number(&self, offset: usize) -> u32 {
        half(self.words, offset)
    }

    /// Makes the process observe `bits` too: those of [`COUNTERS`](crate::COUNTERS) and its like.
    pub fn want(&self, bits: u32) {
        // Relaxed: whoever is told a little later begins a little later.
        self.wanted().fetch_or(bits, Ordering::Relaxed);
    }

    /// Makes the process observe `bits` no longer.
    pub fn unwant(&self, bits: u32) {
        // Relaxed: as in `want`.
        self.wanted().fetch_and(!bits, Ordering::Relaxed);
    }

    fn wanted(&self) -> &'a AtomicU32 {
        let word: *const AtomicU64 = &raw const self.words[offset_of!(Header, wanted) / 8];
        // SAFETY: a half of a word that lives as long as the result. The process, too, has it as a number of 32 bits.
        unsafe { &*word.byte_add(offset_of!(Header, wanted) % 8).cast::<AtomicU32>() }
    }

    /// Returns the name of the program, as far as it is there.
    pub fn program(&self) -> [u8; 64] {
        let mut name = [0; 64];
        for (at, bytes) in name.chunks_mut(8).enumerate() {
            // Relaxed: a name.
            let word = self.words[offset_of!(Header, program) / 8 + at].load(Ordering::Relaxed);
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        name
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.counters.count
    }

    /// Returns the largest size of a class, in bytes.
    pub fn limit(&self, class: usize) -> u64 {
        // Relaxed: published by the magic.
        self.words[self.limits + class.min(self.counters.count - 1)].load(Ordering::Relaxed)
    }

    /// Returns how many slots may be used.
    pub fn used_slots(&self) -> usize {
        (self.header_number(offset_of!(Header, used_slots)) as usize).min(self.slots.count)
    }

    /// Returns the thread of a slot, by its number in the kernel, and when it was observed first; `None` if it is nobody's.
    pub fn thread(&self, slot: usize) -> Option<(u64, u64)> {
        let start = self.slots.start + slot * self.slots.stride;
        // Acquire: who sees the thread sees when it began.
        let thread = self.words[start + offset_of!(Slot, thread) / 8].load(Ordering::Acquire).checked_sub(1)?;
        // Relaxed: see above.
        Some((thread, self.words[start + offset_of!(Slot, began) / 8].load(Ordering::Relaxed)))
    }

    /// Returns what was freed of a class in a slot: to be read of all slots before [`View::allocations`] of any. So every block
    /// of which the free is counted has its allocation counted too.
    pub fn frees(&self, slot: usize, class: usize) -> Counts {
        let at = |offset| self.counter(self.slots.start + slot * self.slots.stride, class, offset);
        Counts {
            frees: at(offset_of!(Counters, frees)),
            remote_frees: at(offset_of!(Counters, remote_frees)),
            freed: at(offset_of!(Counters, freed)),
            ..Counts::default()
        }
    }

    /// Returns what was allocated of a class in a slot, added to what was freed of it.
    pub fn allocations(&self, slot: usize, class: usize, frees: Counts) -> Counts {
        let at = |offset| self.counter(self.slots.start + slot * self.slots.stride, class, offset);
        Counts {
            allocations: at(offset_of!(Counters, allocations)),
            requested: at(offset_of!(Counters, requested)),
            allocated: at(offset_of!(Counters, allocated)),
            ..frees
        }
    }

    fn counter(&self, slot: usize, class: usize, offset: usize) -> u64 {
        let start = slot + self.counters.start + class * self.counters.stride;
        // Acquire: pairs with the writer's release; see `frees`.
        self.words[start + offset / 8].load(Ordering::Acquire)
    }

    /// Returns how many call stacks there are.
    pub fn stacks(&self) -> usize {
        if self.stacks.count == 0 {
            return 0;
        }
        let number = self.header_number(offset_of!(Header, stacks_used)) as usize;
        // What is read from now on is not older.
        fence(Ordering::Acquire);
        number.min(self.stacks.count)
    }

    /// Returns a call stack; `index` is below [`View::stacks`].
    pub fn stack(&self, index: usize) -> StackView<'a> {
        let start = self.stacks.start + index.min(self.stacks.count.saturating_sub(1)) * self.stacks.stride;
        let stack = &self.words[start..start + self.stacks.stride];
        // Relaxed, all: each number by itself; the frames are published by the number of stacks.
        let at = |offset: usize| stack[offset / 8].load(Ordering::Relaxed);
        let frames = &stack[offset_of!(Stack, frames) / 8..];
        let depth = (at(offset_of!(Stack, depth)) as usize).min(frames.len());
        StackView {
            live: (at(offset_of!(Stack, live_objects)), at(offset_of!(Stack, live_bytes))),
            allocated: (at(offset_of!(Stack, allocated_objects)), at(offset_of!(Stack, allocated_bytes))),
            frames: &frames[..depth],
        }
    }

    /// Returns the counter at `offset` in [`Counters`] of the mark, for a class: readers write it.
    pub fn mark(&self, class: usize, offset: usize) -> &'a AtomicU64 {
        &self.words[self.mark + class * self.counters.stride + offset / 8]
    }

    /// Returns what `read` returns if no thread's counters moved meanwhile, after as many tries as it takes up to some hundred;
    /// then what it returned last, for a process that died while it moved some.
    pub fn consistent<T>(&self, mut read: impl FnMut() -> T) -> T {
        let mut tries = TRIES;
        loop {
            let before = self.settled_epoch();
            // Acquire: what is read now is not older than the epoch.
            fence(Ordering::Acquire);
            let result = read();
            fence(Ordering::Acquire);
            tries -= 1;
            // Odd after all that time: it is so for ever.
            if before % 2 == 1 || self.epoch() == before || tries == 0 {
                return result;
            }
        }
    }

    /// Returns the epoch once it is even; or as it is, if some thread has not gone on for longer than the kernel ever lets one
    /// wait.
    fn settled_epoch(&self) -> u32 {
        for _ in 0..LOOKS {
            let epoch = self.epoch();
            if epoch.is_multiple_of(2) {
                return epoch;
            }
            core::hint::spin_loop();
        }
        self.epoch()
    }

    fn epoch(&self) -> u32 {
        self.header_number(offset_of!(Header, epoch))
    }
}

/// Returns the number of 32 bits at an offset, a multiple of 4.
fn half(words: &[AtomicU64], offset: usize) -> u32 {
    // Relaxed: published by what is read before, or a number by itself.
    let word = words[offset / 8].load(Ordering::Relaxed).to_ne_bytes();
    let at = offset % 8;
    u32::from_ne_bytes([word[at], word[at + 1], word[at + 2], word[at + 3]])
}

/// Returns a number of bytes as one of words.
fn word(bytes: usize, field: &'static str) -> Result<usize, Unreadable> {
    if bytes.is_multiple_of(8) { Ok(bytes / 8) } else { Err(Unreadable::Corrupt(field)) }
}
