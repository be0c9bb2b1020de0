//! Where a heap tells of a mistake of the program that it notices later than at the call that made it.

use core::sync::atomic::{AtomicPtr, Ordering};
use xalloc_heap::{Call, Incident, Misuse, Report};

/// The function that [`Heap::init`](xalloc_heap::Heap::init) was given, or none.
pub struct Reporter(AtomicPtr<()>);

impl Reporter {
    /// Returns a reporter without a function: mistakes are not told.
    pub const fn new() -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()))
    }

    /// Has `report` called from now on.
    pub fn set(&self, report: Report) {
        // Relaxed: written before start-up ends, and so before the first block is handed out; what comes earlier, a `free` of
        // another allocator's block, does not come here.
        self.0.store(report as *mut (), Ordering::Relaxed);
    }

    /// Tells of a mistake that `call` noticed. No lock of the heap is held.
    pub fn tell(&self, call: Call, address: usize, misuse: Misuse) {
        self.tell_of(Incident { call, address, misuse });
    }

    /// [`Reporter::tell`].
    #[cold]
    pub fn tell_of(&self, incident: Incident) {
        // Relaxed: see `set`.
        let report = self.0.load(Ordering::Relaxed);
        if !report.is_null() {
            // SAFETY: `set` stored a function of this type, and nothing else does.
            let report = unsafe { core::mem::transmute::<*mut (), Report>(report) };
            report(incident);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicUsize;

    static TOLD: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn tells_who_was_set_and_nobody_before() {
        let reporter = Reporter::new();
        reporter.tell(Call::Free, 1, Misuse::FreeMemory);
        reporter.set(|incident| TOLD.store(incident.address, Ordering::Relaxed));
        assert_eq!(TOLD.load(Ordering::Relaxed), 0);
        reporter.tell(Call::Free, 64, Misuse::FreeMemory);
        assert_eq!(TOLD.load(Ordering::Relaxed), 64);
    }
}
