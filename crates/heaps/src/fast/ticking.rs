//! Threads that tick: while there is memory to purge ([`super::surplus`]), a thread's mallocs come to a slow path now and then, however
//! little the thread does, and there it polls the clock. Otherwise a thread that frees and allocates the same few blocks would never leave
//! its hit paths, and keep what it has.
//!
//! The thread's one TLS word points at a second set of bins then, on a page of its own: `malloc` takes from there, `free` puts into the
//! first set as always, because that is what the page map has. So what is freed is not what is allocated next, and each list of the second
//! set is a *ration*: when it is used up, the slow path hands out another one, of one block if the thread has little to do and of
//! [`MOST`] at most. The hit paths are the same instructions in both states.

use super::FastHeap;
use super::classes::{CLASSES, TABLE};
use super::thread_heap::ThreadHeap;
use core::ptr::null_mut;
use xalloc_blocks::bin::Bin;
use xalloc_blocks::free_list::{Block, Key};
use xalloc_os::clock;
use xalloc_os::thread::Phase;

/// The most blocks of a ration. A thread that was busy and has little to do from now on comes to a slow path after so many mallocs of a
/// class. Other numbers, 8 and 128, gave the same times.
const MOST: u16 = 32;
/// A thread that used up a ration within so many milliseconds, which is within a few ticks of the kernel's clock, is busy.
const SOON: u32 = 16;

/// The second set of bins. Their `room` counts what was taken; their other words are not used.
#[repr(C, align(4096))]
pub struct Rations([Bin; CLASSES]);

impl Rations {
    /// The ration of a class.
    pub fn bin(&self, class: usize) -> &Bin {
        &self.0[class]
    }

    /// How many blocks of the ration are left.
    pub fn length(&self, class: usize) -> usize {
        self.0[class].room.get().min(0).unsigned_abs() as usize
    }

    /// Makes a chain of `count` blocks the ration of a class.
    pub fn set(&self, class: usize, head: *mut Block, count: usize) {
        self.0[class].head.set(head);
        self.0[class].room.set(-(count as i32));
    }
}

impl ThreadHeap {
    /// Fills the ration of a class from the first set's list, if there is any.
    pub fn ration(&self, class: usize, key: Key) {
        let bin = &self.bins[class];
        let head = bin.head.get();
        if head.is_null() {
            return;
        }
        let (mut tail, mut count) = (head, 1);
        let rest = loop {
            // SAFETY: a free block of this heap, in the bin's list. One that was written to ends the list: whoever pops it reports it.
            let Ok(next) = (unsafe { Block::next(tail, key) }) else { break null_mut() };
            if count == self.ration_size.get() as usize || next.is_null() {
                // SAFETY: as above.
                unsafe { Block::set_next(tail, null_mut(), key) };
                break next;
            }
            (tail, count) = (next, count + 1);
        };
        if rest.is_null() {
            self.clear_bin(class);
        } else {
            bin.head.set(rest);
            bin.room.set(bin.room.get() + count as i32);
        }
        self.rations.set(class, head, count);
    }
}

impl FastHeap {
    /// Has the heap's thread tick, which is the calling one.
    pub(super) fn start_ticking(&self, heap: &'static ThreadHeap) {
        let word = core::ptr::from_ref(heap).cast_mut().cast();
        if heap.is_ticking() || Phase::current() != Phase::Cached(word) {
            return;
        }
        heap.ration_size.set(MOST);
        heap.ticked_at.set(clock::coarse_milliseconds() as u32);
        Phase::Cached((&raw const heap.rations).cast_mut().cast()).enter();
    }

    /// Notes that a ration is used up, and polls the clock if that took some time.
    pub(super) fn tick(&self, heap: &'static ThreadHeap) {
        let now = clock::coarse_milliseconds() as u32;
        let passed = now.wrapping_sub(heap.ticked_at.get());
        heap.ticked_at.set(now);
        let size = heap.ration_size.get();
        heap.ration_size.set(match passed {
            0 => (2 * size).min(MOST),
            1..SOON => (size / 2).max(1),
            _ => 1,
        });
        if passed > 0 {
            self.look_at_clock(heap);
            if !self.surplus.is_there() {
                self.stop_ticking(heap);
            }
        }
    }

    /// Has the heap's thread, which is the calling one or none, allocate and free from one set of bins again.
    pub(super) fn stop_ticking(&self, heap: &'static ThreadHeap) {
        if !heap.is_ticking() {
            return;
        }
        if let Phase::Cached(word) = Phase::current()
            && core::ptr::eq(word, (&raw const heap.rations).cast())
        {
            Phase::Cached(core::ptr::from_ref(heap).cast_mut().cast()).enter();
        }
        heap.ration_size.set(0);
        for class in 1..CLASSES {
            let (head, count) = (heap.rations.bin(class).head.get(), heap.rations.length(class));
            heap.rations.set(class, null_mut(), 0);
            self.give_back(heap, class, head, count);
        }
    }

    /// What the owner of a nudged bin does when it comes to a slow path: its next frees take the hit path again, and it ticks.
    pub(super) fn answer_nudge(&self, heap: &'static ThreadHeap) {
        for (class, bin) in heap.bins.iter().enumerate().skip(1) {
            bin.answer_nudge(&TABLE[class]);
        }
        if self.surplus.is_there() {
            self.start_ticking(heap);
        }
    }
}
