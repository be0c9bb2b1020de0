//! Pointers that the heap does not own: blocks of libc's malloc go back to it, the rest is the program's mistake.

use crate::{Heap, HeapRedirect};
use xalloc_heap::misuse::{self, Call};
use xalloc_os::foreign::{self, Foreign};
use xalloc_os::maps::{self, Place};

impl<H: Heap> HeapRedirect<H> {
    /// Recognises a pointer that the heap does not own, or reports it for `call`.
    #[cold]
    pub(crate) fn recognise(&self, block: *mut u8, call: Call) -> Option<Foreign> {
        let address = block as usize;
        if self.is_beside_malloc {
            misuse::report(call, address, "not a block of this heap");
            return None;
        }
        let found = foreign::recognise(address);
        if found.is_none() {
            misuse::report(call, address, describe(address));
        }
        found
    }
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
