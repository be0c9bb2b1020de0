//! The heap's numbers, as a struct for C and as lines for people. docs/statistics.md explains each.

use crate::{Heap, HeapRedirect, Stats};
use core::fmt::Write;
use xalloc_os::stderr::Text;

/// The numbers as C's `struct xalloc_stats`, in its order; bytes unless stated otherwise. New members are added at the end
/// only.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CStats {
    /// See [`Stats::allocated`].
    pub allocated: usize,
    /// See [`Stats::active`].
    pub active: usize,
    /// See [`Stats::dirty`].
    pub dirty: usize,
    /// See [`Stats::metadata`].
    pub metadata: usize,
    /// See [`Stats::resident`].
    pub resident: usize,
    /// See [`Stats::retained`].
    pub retained: usize,
    /// See [`Stats::mapped`].
    pub mapped: usize,
    /// See [`Stats::thread_cache`].
    pub thread_cache: usize,
    /// See [`Stats::remote_frees`].
    pub remote_frees: usize,
    /// See [`Stats::huge_blocks`]; a count.
    pub huge_blocks: usize,
    /// See [`Stats::huge_allocated`].
    pub huge_allocated: usize,
    /// See [`Stats::refused`]; a count.
    pub refused: usize,
}

impl From<Stats> for CStats {
    fn from(stats: Stats) -> Self {
        Self {
            allocated: stats.allocated,
            active: stats.active,
            dirty: stats.dirty,
            metadata: stats.metadata,
            resident: stats.resident(),
            retained: stats.retained,
            mapped: stats.mapped(),
            thread_cache: stats.thread_cache,
            remote_frees: stats.remote_frees,
            huge_blocks: stats.huge_blocks,
            huge_allocated: stats.huge_allocated,
            refused: stats.refused,
        }
    }
}

/// The text in which the numbers are printed.
pub type StatsReport = Text<2048>;

impl<H: Heap> HeapRedirect<H> {
    /// Returns what the heap holds; zeros if it does not count.
    pub fn stats(&self) -> Stats {
        self.heap().and_then(Heap::stats).unwrap_or_default()
    }

    /// Writes what the heap holds to the `size` bytes at `out`: as much of [`CStats`] as fits, and zeros behind it. Returns how
    /// many bytes of [`CStats`] were written: 0 if the heap does not count.
    ///
    /// # Safety
    /// `size` bytes may be written at `out`.
    pub unsafe fn copy_stats(&self, out: *mut u8, size: usize) -> usize {
        let counted = self.heap().and_then(Heap::stats).map(CStats::from);
        let known = if counted.is_some() { size.min(size_of::<CStats>()) } else { 0 };
        let stats = counted.unwrap_or_default();
        // SAFETY: the caller's: room for `size` bytes. Of the struct, no more is read than it has.
        unsafe {
            out.copy_from_nonoverlapping((&raw const stats).cast(), known);
            out.add(known).write_bytes(0, size - known);
        }
        known
    }

    /// Appends a line for each number of the heap.
    pub fn report_statistics(&self, report: &mut StatsReport) {
        let stats = self.stats();
        let mut row = |name: &str, value: usize| {
            // Writing to a text cannot fail; what does not fit is cut off.
            let _ = write!(report.sign(), "{name:<24}{value:>14}");
            report.end_line();
        };
        if let Some(calls) = stats.calls {
            row("allocations:", calls.allocations as usize);
            row("frees:", calls.frees as usize);
            row("allocated:", stats.allocated);
            row("allocated at the peak:", calls.peak);
            return;
        }
        row("allocated:", stats.allocated);
        row("  in huge blocks:", stats.huge_allocated);
        row("  in remote frees:", stats.remote_frees);
        row("active:", stats.active);
        row("  in thread caches:", stats.thread_cache);
        row("dirty:", stats.dirty);
        row("metadata:", stats.metadata);
        row("resident, at most:", stats.resident());
        row("retained:", stats.retained);
        row("mapped:", stats.mapped());
        row("huge blocks:", stats.huge_blocks);
        row("requests refused:", stats.refused);
    }
}
