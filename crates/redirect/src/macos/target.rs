//! The process's redirection, as functions without a context find it.

use super::zone_layout::Zone;
use crate::{Heap, HeapRedirect};

/// The redirection of the process, for functions that libSystem calls without any context. `interpose!` implements it.
pub trait Target: 'static {
    /// The heap behind the redirection.
    type Heap: Heap;

    /// The redirection.
    fn redirect() -> &'static HeapRedirect<Self::Heap>;

    /// Its zone.
    fn zone() -> *mut Zone;
}
