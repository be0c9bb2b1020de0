//! The options of the heap of powers of two.

use xalloc_heaps::Recycling;
use xalloc_heaps::scalable::Tuning;
use xalloc_options::Value;
use xalloc_os::stderr::Line;

/// The options that were set; what was not is as the profile has it.
pub struct Pow2Options {
    recycle: Option<&'static str>,
    threshold: Option<usize>,
    large_pages: bool,
    local_pages: Option<usize>,
    central_pages: usize,
    grow: usize,
    queue_capacity: Option<usize>,
    thread_cache_count: usize,
    arena_capacity: Option<usize>,
}

/// The sizes that slabs can have.
const SMALL_PAGES: usize = 64 << 10;
const LARGE_PAGES: usize = 512 << 10;
/// The most heaps that are made in advance.
const MOST_HEAPS: usize = 64;
/// The most slabs that a size gets at first, and by how many percent of those that it has they may grow: beyond that, the first
/// blocks of a few sizes would take all memory.
const MOST_PAGES: usize = 1024;
const MOST_GROWTH: usize = 1000;

impl Pow2Options {
    /// Returns the options of who sets none.
    pub const fn new() -> Self {
        Self {
            recycle: None,
            threshold: None,
            large_pages: false,
            local_pages: None,
            central_pages: 0,
            grow: 0,
            queue_capacity: None,
            thread_cache_count: 0,
            arena_capacity: None,
        }
    }

    /// Sets an option, if there is one of this name. Returns whether there is. A value that cannot be used is one line on
    /// stderr, which names the `source` of the configuration.
    pub fn set(&mut self, name: &str, value: Value<'_>, source: &str) -> bool {
        match (name, value) {
            ("recycle", Value::Choice(word)) => self.recycle = Some(word),
            ("recycle_threshold", Value::Count(count)) => self.threshold = Some(count),
            ("page_size", Value::Size(size)) => self.large_pages = self.is_large(size, source),
            ("local_pages", Value::Count(count)) => self.local_pages = Some(count),
            ("central_pages", Value::Count(count)) => self.central_pages = bounded(name, count, MOST_PAGES, source),
            ("grow", Value::Count(percent)) => self.grow = bounded(name, percent, MOST_GROWTH, source),
            ("queue_capacity", Value::Size(size)) => self.queue_capacity = Some(size),
            ("thread_cache_count", Value::Count(count)) => {
                self.thread_cache_count = bounded(name, count, MOST_HEAPS, source);
            }
            ("arena_capacity", Value::Size(size)) => self.arena_capacity = Some(size),
            _ => return false,
        }
        true
    }

    fn is_large(&self, size: usize, source: &str) -> bool {
        match size {
            SMALL_PAGES => false,
            LARGE_PAGES => true,
            _ => {
                let used = if self.large_pages { "512K" } else { "64K" };
                let mut line = Line::new();
                line.text("xalloc: ").text(source).text(": page_size cannot be ").number(size);
                line.text(" bytes (slabs have 64K or 512K): ").text(used).text(" is used").end();
                self.large_pages
            }
        }
    }

    /// Returns how the heap is tuned, with these options and those that it shares with the default heap.
    pub fn tuning(&self, lean: bool, purge_ms: Option<usize>) -> Tuning {
        let usual = if lean { Tuning::LEAN } else { Tuning::SPEED };
        let decay = Recycling::Decay { milliseconds: purge_ms.unwrap_or(1000) as u64 };
        let recycling = match self.recycle {
            Some("immediate") => Recycling::Immediate { threshold: self.threshold.unwrap_or(0) },
            Some("deferred") => Recycling::Deferred,
            Some(_) => decay,
            None if purge_ms.is_some() && !lean => decay,
            None => usual.recycling,
        };
        Tuning {
            recycling,
            local_pages: self.local_pages.unwrap_or(usual.local_pages),
            central_pages: self.central_pages,
            grow: self.grow,
            queue_capacity: self.queue_capacity.unwrap_or(usual.queue_capacity),
            thread_cache_count: self.thread_cache_count,
            large_pages: self.large_pages,
            arena_capacity: self.arena_capacity,
            exact: usual.exact && self.arena_capacity.is_none(),
            is_behind: true,
        }
    }
}

/// Returns the count of an option, or the most that it can be.
fn bounded(name: &str, count: usize, most: usize, source: &str) -> usize {
    if count > most {
        let mut line = Line::new();
        line.text("xalloc: ").text(source).text(": ").text(name).text(" cannot be ").number(count);
        line.text(" (it is ").number(most).text(" at most): ").number(most).text(" is used").end();
    }
    count.min(most)
}
