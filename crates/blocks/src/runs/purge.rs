//! Giving the pages of free runs back to the kernel.

use super::run_chunk::{PAGE, PageSets, RunChunk, usable_pages};
use super::{Chunks, Runs, margin};
use crate::locked::Locked;
use crate::purge_scope::PurgeScope;
use xalloc_os::pages;

impl Runs {
    /// Gives pages of free runs back to the kernel, about `surplus` bytes at most. Returns how many bytes it gave.
    pub fn purge(&self, surplus: usize, scope: PurgeScope) -> usize {
        let mut given = 0;
        for shard in &self.shards {
            let mut next = shard.with(|chunks| chunks.iter().next());
            while let Some(chunk) = next
                && given < surplus
            {
                given += purge_chunk(shard, chunk, scope);
                // Its last run may have been freed meanwhile.
                next = shard.with(|chunks| {
                    chunks.note_empty(chunk);
                    chunk.next()
                });
            }
        }
        given
    }
}

/// Purges a chunk; outside its shard's lock while the kernel works: the pages are not free meanwhile, so no run is made of
/// them.
fn purge_chunk(shard: &Locked<Chunks>, chunk: &'static RunChunk, scope: PurgeScope) -> usize {
    let (mut from, mut given) = (0, 0);
    while let Some((page, count)) = shard.with(|chunks| chunks.locked(chunk).pages.take_victim(from, scope)) {
        from = page + count;
        // SAFETY: the pages were free and were taken out just now, so no run is in them, and the chunk cannot change its kind.
        let Some(purged) = (unsafe { purge_pages(chunk.base.get(), page, count) }) else { continue };
        shard.with(|chunks| {
            let pages = chunks.locked(chunk).pages;
            pages.put_back(page, count);
            if purged {
                pages.dirty.clear_range(page, count);
            }
        });
        given += if purged { count * PAGE } else { 0 };
    }
    if scope == PurgeScope::Aged {
        shard.with(|chunks| {
            let pages = chunks.locked(chunk).pages;
            pages.aged = pages.free.and(&pages.dirty);
        });
    }
    given
}

/// Gives pages of the chunk at `base` back to the kernel. Returns whether it took them, so that they read as zeros. `None` if
/// nothing may be there any more.
///
/// # Safety
/// The pages are whole ones of the kernel's, and in no run.
unsafe fn purge_pages(base: usize, page: usize, count: usize) -> Option<bool> {
    let (start, size) = (base + page * PAGE, count * PAGE);
    let witness = base + (usable_pages() + margin::unit()) * PAGE;
    // Nobody asked about runs without a margin when they were freed: a file that is mapped there would show its contents again.
    // SAFETY: the range is of free pages that were taken out; the chunk's last page is behind it.
    unsafe {
        if pages::is_one_mapping(start, witness - start) {
            return Some(pages::purge(start, size));
        }
        pages::renew(start, size).then_some(true)
    }
}

impl PageSets {
    /// Takes out the first run of pages to purge from page `from` on, as far as they make whole pages of the kernel's: its
    /// first page and its length.
    fn take_victim(&mut self, from: usize, scope: PurgeScope) -> Option<(usize, usize)> {
        let unit = pages::page_size() / PAGE;
        let dirty = self.free.and(&self.dirty);
        let victims =
            if matches!(scope, PurgeScope::Aged | PurgeScope::AgedBefore) { dirty.and(&self.aged) } else { dirty };
        let mut from = from;
        loop {
            let (first, count) = victims.next_range(from)?;
            let (start, end) = (first.next_multiple_of(unit), (first + count) / unit * unit);
            if start < end {
                self.used += end - start;
                self.free.clear_range(start, end - start);
                return Some((start, end - start));
            }
            from = first + count;
        }
    }
}
