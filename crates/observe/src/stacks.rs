//! Call stacks in the segment, and what is allocated there. A stack stays until the process ends, so a reader may look at any
//! time.

use crate::layout::{MOST_FRAMES, MOST_STACKS, Stack};
use crate::segment::Segment;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use xalloc_os::pages;

/// How many places the index has: twice as many as there may be stacks.
const PLACES: usize = 2 * MOST_STACKS;

/// Where each stack is in the segment, by a hash of its frames: one more than its number, 0 for none.
type Index = [AtomicU32; PLACES];

/// The stacks of a process.
pub struct Stacks(AtomicUsize);

impl Stacks {
    /// Returns stacks without an index.
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Returns the number of the stack with these frames: a new one if there is none yet. `None` if there is no room for it.
    /// Under the lock of the profile.
    pub fn find_or_add(&self, segment: Segment, frames: &[usize]) -> Option<usize> {
        let frames = &frames[..frames.len().min(MOST_FRAMES)];
        let index = self.index()?;
        let first = hash(frames) as usize;
        // Half of the places are free, so an end is found.
        for place in (0..PLACES).map(|probe| &index[(first + probe) % PLACES]) {
            // Relaxed, here and below: under the lock.
            match place.load(Ordering::Relaxed) {
                0 => {
                    let number = add(segment, frames)?;
                    place.store(number as u32 + 1, Ordering::Relaxed);
                    return Some(number);
                }
                found if is_same(segment.stack(found as usize - 1), frames) => return Some(found as usize - 1),
                _ => {}
            }
        }
        None
    }

    /// Returns the index, for which memory is taken when it is used first. `None` if the kernel refuses.
    fn index(&self) -> Option<&Index> {
        // Relaxed: under the lock.
        if self.0.load(Ordering::Relaxed) == 0 {
            self.0.store(pages::map(size_of::<Index>())?, Ordering::Relaxed);
        }
        let index = NonNull::new(self.0.load(Ordering::Relaxed) as *mut Index)?;
        // SAFETY: memory of this size, zeros at first, which is never unmapped; all words are atomic.
        Some(unsafe { index.as_ref() })
    }
}

fn is_same(stack: &Stack, frames: &[usize]) -> bool {
    // Relaxed, all: under the lock.
    let same = |(word, &frame): (&AtomicU64, &usize)| word.load(Ordering::Relaxed) == frame as u64;
    stack.depth.load(Ordering::Relaxed) == frames.len() as u64 && stack.frames.iter().zip(frames).all(same)
}

/// Adds a stack. `None` if there is no room.
fn add(segment: Segment, frames: &[usize]) -> Option<usize> {
    let used = &segment.header().stacks_used;
    // Relaxed: written under the lock.
    let number = used.load(Ordering::Relaxed) as usize;
    if number == MOST_STACKS {
        return None;
    }
    let stack = segment.stack(number);
    for (word, &frame) in stack.frames.iter().zip(frames) {
        // Relaxed, both: published below.
        word.store(frame as u64, Ordering::Relaxed);
    }
    stack.depth.store(frames.len() as u64, Ordering::Relaxed);
    // Release: who sees that the stack is used sees its frames.
    used.store(number as u32 + 1, Ordering::Release);
    Some(number)
}

fn hash(frames: &[usize]) -> u64 {
    let mix = |hash: u64, &frame: &usize| (hash ^ frame as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    let hash = frames.iter().fold(frames.len() as u64, mix);
    hash ^ hash >> 32
}
