//! How functions that get no context find the process's redirection.

use super::zone_layout::Zone;
use crate::{Heap, HeapRedirect};

/// The redirection of the process, for functions that libSystem calls without any context. `interpose!` implements it.
pub trait Target: 'static {
    /// The heap behind the redirection.
    type Heap: Heap;

    /// Returns the redirection.
    fn redirect() -> &'static HeapRedirect<Self::Heap>;

    /// Returns its zone.
    fn zone() -> *mut Zone;
}
