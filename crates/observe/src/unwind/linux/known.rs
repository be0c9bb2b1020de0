//! What is known of where stacks end, so that the kernel need not be asked for each frame.

use core::sync::atomic::{AtomicUsize, Ordering};
use xalloc_os::{pages, process, syscall};

/// Returns the end of the main thread's stack, which does not change.
#[inline(always)]
pub fn main_end() -> usize {
    static END: AtomicUsize = AtomicUsize::new(0);
    // Relaxed, twice: one word, and who does not find it comes to the same.
    match END.load(Ordering::Relaxed) {
        0 => {
            let end = process::stack_end();
            END.store(end, Ordering::Relaxed);
            end
        }
        end => end,
    }
}

/// Threads by a part of the thread pointer. A word has the thread pointer above, and below how many pages are known to be
/// readable up to the one that it points into, that one too; 0 if the thread has another stack than those of libc.
///
/// A thread's stack is mapped as long as the thread lives. A later thread may have the same thread pointer and a smaller stack.
/// Then a coroutine that lies where the larger stack was is taken for it. What is between them, which may not be readable, would
/// be read only if the coroutine's frames are corrupt as well.
static THREADS: [AtomicUsize; 1024] = [const { AtomicUsize::new(0) }; 1024];

const PAGE: usize = 4096;
const COUNT_BITS: u32 = 20;

/// How many pages are asked for at once at most. A stack of 8 MiB, the usual size, has half as many.
const AT_ONCE: usize = 4096;

/// Returns whether everything from `sp` to the thread pointer can be read. Then it is the stack that libc has made for the
/// thread, or that it was given: the thread's own record is at its end, and a page that cannot be read before its beginning.
#[inline(always)]
pub fn reaches(thread: usize, sp: usize) -> bool {
    let word = place(thread).load(Ordering::Relaxed);
    let is_known = word >> COUNT_BITS == tag(thread);
    let count = word & ((1 << COUNT_BITS) - 1);
    if is_known && sp < thread && sp >= start(thread, count) {
        return true;
    }
    sp < thread && (!is_known || count > 0) && learn(thread, sp, if is_known { count } else { 1 })
}

/// Asks the kernel for the pages from `sp` on to those that are known. Returns whether all of them can be read.
#[cold]
fn learn(thread: usize, sp: usize, mut count: usize) -> bool {
    let is_main = syscall::process_id() == syscall::thread_id();
    if is_main {
        count = 0;
    } else {
        let most = (count + AT_ONCE).min((1 << COUNT_BITS) - 1);
        while count < most && sp < start(thread, count) && pages::is_readable(start(thread, count + 1)) {
            count += 1;
        }
    }
    // Relaxed, here and in `reaches`: one word, of a thread that alone writes it; another thread in its place has another tag.
    place(thread).store(tag(thread) << COUNT_BITS | count, Ordering::Relaxed);
    count > 0 && sp >= start(thread, count)
}

/// Returns the address of the first of `count` pages, of which the last one is the thread pointer's.
fn start(thread: usize, count: usize) -> usize {
    (thread & !(PAGE - 1)).wrapping_add(PAGE).saturating_sub(count * PAGE)
}

fn place(thread: usize) -> &'static AtomicUsize {
    // Stacks of libc are multiples of a page, often of the same size.
    &THREADS[(thread >> 12 ^ thread >> 20) % THREADS.len()]
}

/// Thread pointers are multiples of 16, and have 48 bits.
fn tag(thread: usize) -> usize {
    thread >> 4 & ((1 << (usize::BITS - COUNT_BITS)) - 1)
}
