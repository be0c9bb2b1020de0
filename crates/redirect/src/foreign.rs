//! Pointers that the heap does not own. Blocks of another allocator are freed by that one; everything else is the program's
//! mistake.

use crate::platform::foreign::{self, Foreign};
use crate::report::{report, report_unknown};
use crate::{Heap, HeapRedirect};
use xalloc_heap::{Call, Incident};
use xalloc_os::maps::{self, Place};

impl<H: Heap> HeapRedirect<H> {
    /// Learns what is needed to recognise other allocators' blocks later. The constructor does this last.
    #[cfg(target_os = "linux")]
    pub fn learn_of_others(&self) {
        if !self.heap.passes_through() {
            foreign::prepare();
        }
    }

    /// Returns whose block a pointer is that the heap does not own. If it is nobody's, reports it for `call` and returns
    /// `None`.
    #[cold]
    pub(crate) fn recognise(&self, block: *mut u8, call: Call) -> Option<Foreign> {
        let address = block as usize;
        let found = if self.is_beside_malloc { None } else { foreign::recognise(address) };
        if found.is_some_and(|found| !found.is_guess()) {
            return found;
        }
        // An address that another allocator may have made may be in the middle of a block of this heap.
        match self.heap.misuse_at(address) {
            Some(misuse) => report(Incident { call, address, misuse }),
            None if found.is_some() => return found,
            None if self.is_beside_malloc => report_unknown(call, address, &[b"not a block of this heap"]),
            None => report_nobodys(call, address),
        }
        None
    }
}

/// Reports an address that nobody allocated. Names the other allocator too, if there is one, because the mistake may be there.
fn report_nobodys(call: Call, address: usize) {
    let place = describe(address).as_bytes();
    match foreign::next_library() {
        None => report_unknown(call, address, &[place]),
        Some(library) => {
            let what = [place, b"; nor is it a block of ", library.to_bytes(), b", which has a free() of its own"];
            report_unknown(call, address, &what);
        }
    }
}

/// Returns what to say of an address that nobody allocated.
fn describe(address: usize) -> &'static str {
    match maps::describe(address) {
        Place::Unmapped => "no memory is mapped there",
        Place::Stack => "on the stack",
        Place::File => "in the static data or code of the program or a library",
        Place::Break | Place::Anonymous | Place::Unknown => "not a block of this heap, nor of libc's",
    }
}
