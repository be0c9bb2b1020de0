//! The heap profile: samples of what is allocated, by call stack.

use crate::layout::{Header, MOST_FRAMES, Stack};
use crate::samples::{Sample, Samples};
use crate::segment::Segment;
use crate::stacks::Stacks;
use crate::unwind;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use xalloc_os::{Lock, thread};

/// The profile of a process.
pub struct Profile {
    /// Guards the stacks and the samples. Nothing is locked under it.
    lock: Lock,
    stacks: Stacks,
    samples: Samples,
    has_samples: AtomicBool,
    /// The library's own code, whose frames are left out.
    own_start: AtomicUsize,
    own_end: AtomicUsize,
}

impl Profile {
    /// Returns a profile without samples.
    pub const fn new() -> Self {
        Self {
            lock: Lock::new(),
            stacks: Stacks::new(),
            samples: Samples::new(),
            has_samples: AtomicBool::new(false),
            own_start: AtomicUsize::new(0),
            own_end: AtomicUsize::new(0),
        }
    }

    /// Returns the lock, for fork.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Adds a block that was allocated by the calling thread just now.
    #[cold]
    #[inline(never)]
    pub fn add(&self, segment: Segment, block: usize, usable: usize) {
        let mut frames = [0; MOST_FRAMES];
        let depth = unwind::capture_outside(&mut frames, self.own_code());
        if self.lock.is_mine(thread::token()) {
            return;
        }
        let _guard = self.lock.lock();
        let header = segment.header();
        let Some(index) = self.stacks.find_or_add(segment, &frames[..depth]) else {
            // Relaxed: a number.
            header.dropped_samples.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let stack = segment.stack(index);
        // Relaxed: see `end`.
        self.has_samples.store(true, Ordering::Relaxed);
        add(&stack.allocated_objects, 1);
        add(&stack.allocated_bytes, usable as u64);
        if self.samples.prepare() && self.samples.add(block, Sample { stack: index, size: usable }) {
            add(&stack.live_objects, 1);
            add(&stack.live_bytes, usable as u64);
        } else {
            header.dropped_samples.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns where the library's own code is. The first time, the way is chosen in which modules are found.
    fn own_code(&self) -> Range<usize> {
        // Relaxed, all: every thread that comes here first would store the same.
        let (start, end) = (self.own_start.load(Ordering::Relaxed), self.own_end.load(Ordering::Relaxed));
        if end != 0 {
            return start..end;
        }
        #[cfg(target_os = "linux")]
        unwind::use_loader();
        let own = unwind::code_around(Self::own_code as *const () as usize);
        self.own_start.store(own.start, Ordering::Relaxed);
        self.own_end.store(own.end, Ordering::Relaxed);
        own
    }

    /// Removes a block that is freed, if it is a sample.
    #[inline]
    pub fn remove(&self, segment: Segment, block: usize) {
        if self.samples.may_have(block) {
            self.remove_sample(segment, block);
        }
    }

    #[cold]
    #[inline(never)]
    fn remove_sample(&self, segment: Segment, block: usize) {
        if self.lock.is_mine(thread::token()) {
            return;
        }
        let _guard = self.lock.lock();
        if let Some(sample) = self.samples.remove(block) {
            forget(segment.stack(sample.stack), sample.size);
        }
    }

    /// Forgets all samples that are in use, if there are any: nobody looks at frees any more.
    #[inline]
    pub fn end(&self, segment: Segment) {
        // Relaxed: whoever adds one later is seen with a later call.
        if self.has_samples.load(Ordering::Relaxed) {
            self.forget_all(segment);
        }
    }

    #[cold]
    fn forget_all(&self, segment: Segment) {
        if self.lock.is_mine(thread::token()) {
            return;
        }
        let _guard = self.lock.lock();
        // Relaxed: under the lock.
        self.has_samples.store(false, Ordering::Relaxed);
        self.samples.drain().for_each(|sample| forget(segment.stack(sample.stack), sample.size));
    }
}

/// Returns how many bytes are between two samples, on average.
pub fn mean(header: &Header) -> u64 {
    // Relaxed: a number.
    header.sample.load(Ordering::Relaxed).max(1)
}

fn forget(stack: &Stack, size: usize) {
    add(&stack.live_objects, 1u64.wrapping_neg());
    add(&stack.live_bytes, (size as u64).wrapping_neg());
}

/// Adds to a counter that is written under the lock.
fn add(counter: &AtomicU64, by: u64) {
    // Relaxed: a reader takes each number by itself.
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}
