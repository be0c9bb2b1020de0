//! Pointers that the heap does not own: blocks of libc's malloc go back to it, the rest is the program's mistake.

use crate::{Heap, HeapRedirect};
use xalloc_heap::misuse::{self, Call, Misuse};
use xalloc_os::foreign::{self, Foreign};
use xalloc_os::maps::{self, Place};

impl<H: Heap> HeapRedirect<H> {
    /// Recognises a pointer that the heap does not own, or reports it for `call`.
    #[cold]
    pub(crate) fn recognise(&self, block: *mut u8, call: Call) -> Option<Foreign> {
        let address = block as usize;
        let found = if self.is_beside_malloc { None } else { foreign::recognise(address) };
        if found.is_none() {
            let elsewhere = || Misuse::Elsewhere(if self.is_beside_malloc { NOT_OURS } else { describe(address) });
            misuse::report(call, address, self.heap.misuse_at(address).unwrap_or_else(elsewhere));
        }
        found
    }
}

const NOT_OURS: &str = "not a block of this heap";

/// What an address looks like that nobody allocated.
fn describe(address: usize) -> &'static str {
    match maps::describe(address) {
        Place::Unmapped => "no memory is mapped there",
        Place::Stack => "on the stack",
        Place::File => "in the static data or code of the program or a library",
        Place::Break | Place::Anonymous | Place::Unknown => "not a block of this heap, nor of libc's",
    }
}
