//! Counts the requests for memory that the kernel refused, and makes a chosen one fail.

use crate::stderr::Line;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The request that is to fail, counted from the call of [`fail_request`]; 0 for none.
static FAILING: AtomicUsize = AtomicUsize::new(0);
/// How many requests are left until then, that one included; 0 afterwards.
static LEFT: AtomicUsize = AtomicUsize::new(0);
/// Whether a line on stderr says so when it fails.
static IS_SAID: AtomicBool = AtomicBool::new(false);
/// How many requests were refused, that one included.
static REFUSED: AtomicUsize = AtomicUsize::new(0);

/// Makes the `request`-th request for memory from now on fail as if the kernel had none. If `is_said`, a line is printed then:
/// a heap that gets its memory in another way hides the failure from the program.
pub fn fail_request(request: usize, is_said: bool) {
    // Relaxed, all: settings, ordered with nothing.
    FAILING.store(request, Ordering::Relaxed);
    IS_SAID.store(is_said, Ordering::Relaxed);
    LEFT.store(request, Ordering::Relaxed);
}

/// Returns the number of the request that [`fail_request`] makes fail, and how many requests were made until now; none are
/// counted after that one. `None` if `fail_request` was not called.
pub fn failing_request() -> Option<(usize, usize)> {
    // Relaxed, both: as in `must_fail`.
    let request = FAILING.load(Ordering::Relaxed);
    (request != 0).then(|| (request, request - LEFT.load(Ordering::Relaxed)))
}

/// Returns how many requests for memory were refused.
pub fn count() -> usize {
    // Relaxed: a count.
    REFUSED.load(Ordering::Relaxed)
}

/// Returns the kernel's answer to a request, and counts it if it is a refusal.
pub(crate) fn counted<T>(answer: Option<T>) -> Option<T> {
    if answer.is_none() {
        // Relaxed: a count.
        REFUSED.fetch_add(1, Ordering::Relaxed);
    }
    answer
}

/// Returns whether the request that is about to be made is the one that fails.
pub(crate) fn must_fail() -> bool {
    // Relaxed: keeps the counter's cache line shared while the hook is off.
    let fails = LEFT.load(Ordering::Relaxed) != 0 && is_last(&LEFT);
    if fails {
        note_failure();
    }
    fails
}

/// Subtracts one from a count that is not 0. Returns whether this was the last one.
fn is_last(count: &AtomicUsize) -> bool {
    // Relaxed, both: which thread makes which request is left to chance.
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) == Ok(1)
}

#[cold]
fn note_failure() {
    counted(None::<()>);
    // Relaxed, both: see `fail_request`.
    if IS_SAID.load(Ordering::Relaxed) {
        let request = FAILING.load(Ordering::Relaxed);
        Line::signed().text("fail_mapping: request ").number(request).text(" for memory was refused").end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_at_the_last_request_do_not_wrap_the_count() {
        let count = AtomicUsize::new(2);
        assert_eq!([(); 3].map(|()| is_last(&count)), [false, true, false]);
        // Relaxed: one thread.
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}
