//! Pointers that the heap does not own: blocks of libc's malloc go back to it, the rest is the program's mistake.

use xalloc_heap::misuse::{self, Call};
use xalloc_os::foreign::{self, Foreign};
use xalloc_os::maps::{self, Place};

/// Recognises a pointer that the heap does not own, or reports it for `call`.
#[cold]
pub fn recognise(block: *mut u8, call: Call) -> Option<Foreign> {
    let found = foreign::recognise(block as usize);
    if found.is_none() {
        misuse::report(call, block as usize, describe(block as usize));
    }
    found
}

/// What an address looks like that nobody allocated.
fn describe(address: usize) -> &'static str {
    match maps::describe(address) {
        Place::Unmapped => "no memory is mapped there",
        Place::Stack => "on the stack",
        Place::File => "in the static data or code of the program or a library",
        Place::Break | Place::Anonymous | Place::Unknown => "not a block of this heap, nor of libc's",
    }
}
