//! The segment, as its process writes it.

use crate::classes::{CLASSES, LIMITS};
use crate::layout::*;
use crate::wanted::Wanted;
use core::mem::offset_of;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};
use xalloc_os::syscall::{self, Errno};
use xalloc_os::{clock, process};

/// The least number of its descriptor: above the numbers that programs use, and below the usual limit of 1024.
const LEAST_DESCRIPTOR: i32 = 900;

/// A mapped segment. It is never unmapped: threads may be writing to it.
#[derive(Clone, Copy)]
pub struct Segment(NonNull<Header>);

/// A file for a segment, and the address at which it is mapped.
pub struct Mapped {
    /// The segment.
    pub segment: Segment,
    /// The file's descriptor.
    pub descriptor: i32,
}

impl Segment {
    /// Returns a segment for this process: the one that was handed to it, or a new one. `None` if the kernel refuses.
    pub fn create(wanted: &Wanted, is_complete: bool) -> Option<Mapped> {
        let mapped = Self::handed_over().or_else(|| Self::map_new().ok())?;
        mapped.segment.describe(wanted, is_complete);
        Some(mapped)
    }

    /// Takes the segment that the command has made for this process, and for no other one: a child has the variable too. The
    /// descriptor stays open for a program that this one executes.
    fn handed_over() -> Option<Mapped> {
        if process::is_secure() {
            return None;
        }
        let mut numbers = process::variable(VARIABLE)?.splitn(2, |&byte| byte == b':');
        let descriptor = i32::try_from(number(numbers.next()?)?).ok()?;
        let token = number(numbers.next()?)?;
        if syscall::file_size(descriptor) != Some(SIZE) {
            return None;
        }
        let segment = Self::map(descriptor, None).ok()?;
        let header = segment.header();
        // Relaxed, both: stored before this program began.
        let is_commands = header.token.load(Ordering::Relaxed) == token;
        if is_commands && header.process.load(Ordering::Relaxed) == syscall::process_id() as u32 {
            segment.clear();
            return Some(Mapped { segment, descriptor });
        }
        segment.forget();
        if is_commands {
            syscall::close(descriptor);
        }
        None
    }

    /// Forgets what this process counted as another program, which has executed this one.
    fn clear(self) {
        let header = self.header();
        // Relaxed, all: readers are told by the magic that nothing is here. Writing a zero where one is would make memory of it.
        header.magic.store(0, Ordering::Relaxed);
        let token = header.token.load(Ordering::Relaxed);
        let words = self.used_parts().into_iter().flat_map(|(offset, length)| self.words(offset, length));
        words.filter(|word| word.load(Ordering::Relaxed) != 0).for_each(|word| word.store(0, Ordering::Relaxed));
        header.token.store(token, Ordering::Relaxed);
    }

    /// Maps a new file of zeros.
    fn map_new() -> Result<Mapped, Errno> {
        let low = syscall::memfd_create(NAME)?;
        let high = syscall::duplicate(low, LEAST_DESCRIPTOR).or_else(|_| syscall::duplicate(low, 3));
        syscall::close(low);
        let descriptor = high?;
        let mapped = syscall::ftruncate(descriptor, SIZE).and_then(|()| Self::map(descriptor, None));
        mapped.inspect_err(|_| syscall::close(descriptor)).map(|segment| Mapped { segment, descriptor })
    }

    /// Maps a file of a segment's size, at the address of `instead` if there is one, which is gone then.
    fn map(descriptor: i32, instead: Option<Self>) -> Result<Self, Errno> {
        let (address, flags) = instead.map_or((0, 0), |old| (old.0.as_ptr() as usize, libc::MAP_FIXED));
        // SAFETY: what is replaced is a mapping of the same size, of this type, which goes on with the new contents.
        let address = unsafe { syscall::mmap_shared(address, SIZE, flags, descriptor) }?;
        NonNull::new(address as *mut Header).map(Self).ok_or(Errno(libc::ENOMEM))
    }

    /// Fills in the header. Until it ends, no reader takes this for a segment.
    fn describe(self, wanted: &Wanted, is_complete: bool) {
        let header = self.header();
        // Relaxed, all of them: `magic` publishes them.
        let set = |word: &core::sync::atomic::AtomicU32, value: usize| word.store(value as u32, Ordering::Relaxed);
        set(&header.version, VERSION as usize);
        set(&header.header_size, size_of::<Header>());
        set(&header.slots_offset, SLOTS_OFFSET);
        set(&header.slot_stride, SLOT_STRIDE);
        set(&header.slots, MOST_SLOTS);
        set(&header.counters_offset, offset_of!(Slot, counters));
        set(&header.counters_size, size_of::<Counters>());
        set(&header.classes, CLASSES);
        set(&header.limits_offset, LIMITS_OFFSET);
        set(&header.mark_offset, MARK_OFFSET);
        set(&header.process, syscall::process_id() as usize);
        set(&header.wanted, wanted.what.load(Ordering::Relaxed) as usize);
        set(&header.is_complete, usize::from(is_complete));
        set(&header.used_slots, FIRST);
        set(&header.stacks_offset, STACKS_OFFSET);
        set(&header.stack_stride, size_of::<Stack>());
        set(&header.stacks, MOST_STACKS);
        header.sample.store(wanted.sample.load(Ordering::Relaxed), Ordering::Relaxed);
        header.began.store(clock::coarse_milliseconds(), Ordering::Relaxed);
        store_name(&header.program, process::program_name());
        for (class, &limit) in LIMITS.iter().enumerate() {
            self.limit(class).store(limit, Ordering::Relaxed);
        }
        // Release: who sees it sees the header.
        header.magic.store(MAGIC, Ordering::Release);
    }

    /// Returns the segment with this header, which is mapped for as long as the process lives.
    pub fn of(header: &'static Header) -> Self {
        Self(NonNull::from(header))
    }

    /// Returns the segment whose header this is, null if there is none: what [`Segment::as_ptr`] returned.
    pub fn from_header(header: *mut Header) -> Option<Self> {
        NonNull::new(header).map(Self)
    }

    /// Returns the header's address.
    pub fn as_ptr(self) -> *mut Header {
        self.0.as_ptr()
    }

    /// Returns the header.
    pub fn header(self) -> &'static Header {
        // SAFETY: mapped for as long as the process lives, zeros at first; all words are atomic.
        unsafe { self.0.as_ref() }
    }

    /// Returns the words of a part of it, in bytes.
    fn words(self, offset: usize, length: usize) -> &'static [AtomicU64] {
        debug_assert!(offset + length <= SIZE);
        // SAFETY: as for `header`; the mapping has so many words from there on.
        unsafe { core::slice::from_raw_parts(self.0.as_ptr().byte_add(offset).cast(), length / size_of::<AtomicU64>()) }
    }

    /// Returns where something was ever written, and how many bytes: the header and the slots, and the call stacks.
    fn used_parts(self) -> [(usize, usize); 2] {
        let header = self.header();
        // Relaxed, both: written under locks that a thread which forks holds, or a little later.
        let slots = header.used_slots.load(Ordering::Relaxed) as usize;
        let stacks = header.stacks_used.load(Ordering::Relaxed) as usize;
        [
            (0, SLOTS_OFFSET + slots.min(MOST_SLOTS) * SLOT_STRIDE),
            (STACKS_OFFSET, stacks.min(MOST_STACKS) * size_of::<Stack>()),
        ]
    }

    fn limit(self, class: usize) -> &'static AtomicU64 {
        // SAFETY: as for `header`; there is room for one number for each class.
        unsafe { &*self.0.as_ptr().byte_add(LIMITS_OFFSET).cast::<AtomicU64>().add(class) }
    }

    /// Returns a slot; `index` is below [`MOST_SLOTS`].
    pub fn slot(self, index: usize) -> &'static Slot {
        debug_assert!(index < MOST_SLOTS);
        // SAFETY: as for `header`; the layout has room for so many slots.
        unsafe { &*self.0.as_ptr().byte_add(SLOTS_OFFSET + index * SLOT_STRIDE).cast() }
    }

    /// Returns a call stack; `index` is below [`MOST_STACKS`].
    pub fn stack(self, index: usize) -> &'static Stack {
        debug_assert!(index < MOST_STACKS);
        // SAFETY: as for `header`; the layout has room for so many stacks.
        unsafe { &*self.0.as_ptr().byte_add(STACKS_OFFSET + index * size_of::<Stack>()).cast() }
    }

    /// Makes a segment for a child that this process forks, and copies to it what was counted. The child calls
    /// [`Segment::replace`]. `None` if the kernel refuses.
    pub fn copy_for_child(self) -> Option<Mapped> {
        let copy = Self::map_new().ok()?;
        let copy_those = |is_copied: fn(usize) -> bool| {
            self.used_parts().into_iter().for_each(|part| self.copy_words(copy.segment, part, is_copied));
        };
        copy_those(is_of_frees);
        copy_those(|word| !is_of_frees(word));
        Some(copy)
    }

    /// Copies those words of a part of the segment to another one that `is_copied` chooses by their numbers in it.
    fn copy_words(self, to: Self, (offset, length): (usize, usize), is_copied: fn(usize) -> bool) {
        let first = offset / size_of::<AtomicU64>();
        let words = to.words(offset, length).iter().zip(self.words(offset, length));
        for (_, (to, from)) in (first..).zip(words).filter(|(number, _)| is_copied(*number)) {
            // Acquire: a free that is seen here was allocated by what is copied after it.
            match from.load(Ordering::Acquire) {
                // Zeros are there already, and writing them would make memory of the file.
                0 => {}
                // Relaxed: the child reads it, after the fork.
                word => to.store(word, Ordering::Relaxed),
            }
        }
    }

    /// Maps a file that [`Segment::copy_for_child`] made in the place of this segment, in the child. Returns false if the
    /// kernel refuses: this is still the parent's then.
    pub fn replace(self, descriptor: i32) -> bool {
        let header = self.header();
        let parent = header.process.load(Ordering::Relaxed);
        if Self::map(descriptor, Some(self)).is_err() {
            return false;
        }
        // Relaxed: no other process knows the file yet.
        header.parent.store(parent, Ordering::Relaxed);
        header.process.store(syscall::process_id() as u32, Ordering::Relaxed);
        true
    }

    /// Maps zeros in the place of this segment, in a child that shall not be observed: nothing is wanted in there.
    pub fn replace_by_nothing(self) {
        let flags = libc::MAP_FIXED | libc::MAP_NORESERVE;
        // SAFETY: what is replaced is a mapping of this size and type, of which zeros are a value. If the kernel refuses, the
        // child counts in its parent's segment.
        let _ = unsafe { syscall::mmap(self.0.as_ptr() as usize, SIZE, libc::PROT_READ | libc::PROT_WRITE, flags) };
    }

    /// Removes the mapping of a copy that the child has now.
    pub fn forget(self) {
        // SAFETY: the copy is known to nobody but the caller. If the kernel keeps it, only address space is lost.
        let _ = unsafe { syscall::munmap(self.0.as_ptr() as usize, SIZE) };
    }
}

/// Returns whether the word with this number, of a segment, counts blocks or bytes that were freed.
fn is_of_frees(word: usize) -> bool {
    let Some(at) = (word * size_of::<AtomicU64>()).checked_sub(SLOTS_OFFSET) else { return false };
    if at >= MOST_SLOTS * SLOT_STRIDE {
        return false;
    }
    let Some(at) = (at % SLOT_STRIDE).checked_sub(offset_of!(Slot, counters)) else { return false };
    let frees = [offset_of!(Counters, frees), offset_of!(Counters, remote_frees), offset_of!(Counters, freed)];
    at < size_of::<[Counters; CLASSES]>() && frees.contains(&(at % size_of::<Counters>()))
}

/// Returns a decimal number. `None` if it is none, or too large.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = u64::from(digit.wrapping_sub(b'0'));
        if digit > 9 { None } else { number.checked_mul(10)?.checked_add(digit) }
    })
}

/// Stores a name, cut off where there is no more room, and filled up with zeros.
pub fn store_name(words: &[AtomicU64], name: &[u8]) {
    for (word, at) in words.iter().zip((0..).step_by(8)) {
        let mut bytes = [0; 8];
        let rest = name.get(at..).unwrap_or_default();
        bytes.iter_mut().zip(rest).for_each(|(to, &from)| *to = from);
        // Relaxed: a name is there or not yet.
        word.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
    }
}
