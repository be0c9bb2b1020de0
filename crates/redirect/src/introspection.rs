//! glibc's questions about the heap, answered from its [`Stats`]; a heap that passes through lets the next one answer.

use crate::{Heap, HeapRedirect, Stats};
use core::ffi::{CStr, c_int, c_void};
use core::fmt::{self, Write};
use xalloc_os::stderr::Line;
use xalloc_os::{errno, next};

/// glibc's `struct mallinfo2`, in its order. What has no meaning here is 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MallInfo2 {
    /// Memory for blocks without a mapping of their own.
    pub arena: usize,
    /// 0.
    pub ordblks: usize,
    /// 0.
    pub smblks: usize,
    /// Blocks with a mapping of their own.
    pub hblks: usize,
    /// Bytes in them.
    pub hblkhd: usize,
    /// 0.
    pub usmblks: usize,
    /// 0.
    pub fsmblks: usize,
    /// Bytes of `arena` in blocks that the program holds.
    pub uordblks: usize,
    /// Bytes of `arena` that are free.
    pub fordblks: usize,
    /// Bytes that `malloc_trim` would give back.
    pub keepcost: usize,
}

/// glibc's `struct mallinfo`: the words of [`MallInfo2`] as ints.
#[repr(C)]
pub struct MallInfo(pub [c_int; 10]);

impl From<Stats> for MallInfo2 {
    fn from(stats: Stats) -> Self {
        let used = stats.live.saturating_sub(stats.mapped_live);
        let arena = stats.held.max(used);
        Self {
            arena,
            hblks: stats.mapped_blocks,
            hblkhd: stats.mapped_live,
            uordblks: used,
            fordblks: arena - used,
            keepcost: stats.trimmable,
            ..Self::default()
        }
    }
}

/// The options of `mallopt` that glibc knows. They tune glibc's heap; none changes what a program can observe of ours.
const KNOWN_OPTIONS: [c_int; 9] = [1, -1, -2, -3, -4, -5, -6, -7, -8];

impl<H: Heap> HeapRedirect<H> {
    /// The next allocator's function of this name, if the heap passes through and there is one.
    fn passed_through(&self, name: &CStr) -> Option<*mut c_void> {
        let function = if self.heap()?.passes_through() { next::find(name) } else { core::ptr::null_mut() };
        (!function.is_null()).then_some(function)
    }

    /// What the heap holds; zeros if it does not count.
    pub fn stats(&self) -> Stats {
        self.heap().and_then(Heap::stats).unwrap_or_default()
    }

    /// glibc's `mallinfo2`.
    pub fn mallinfo2(&self) -> MallInfo2 {
        match self.passed_through(c"mallinfo2") {
            // SAFETY: the function of this name has this type.
            Some(next) => unsafe { core::mem::transmute::<*mut c_void, extern "C" fn() -> MallInfo2>(next)() },
            None => self.stats().into(),
        }
    }

    /// glibc's `mallinfo`: the same in ints, which saturate.
    pub fn mallinfo(&self) -> [c_int; 10] {
        let info = self.mallinfo2();
        // SAFETY: both are ten words in the same order.
        let words = unsafe { core::mem::transmute::<MallInfo2, [usize; 10]>(info) };
        words.map(|word| c_int::try_from(word).unwrap_or(c_int::MAX))
    }

    /// glibc's `mallopt`: 1 for an option that exists, 0 for one that does not.
    pub fn mallopt(&self, option: c_int, value: c_int) -> c_int {
        match self.passed_through(c"mallopt") {
            // SAFETY: the function of this name has this type.
            Some(next) => unsafe {
                core::mem::transmute::<*mut c_void, extern "C" fn(c_int, c_int) -> c_int>(next)(option, value)
            },
            None => c_int::from(KNOWN_OPTIONS.contains(&option)),
        }
    }

    /// glibc's `malloc_trim`: 1 if memory went back to the kernel.
    pub fn malloc_trim(&self, keep: usize) -> c_int {
        c_int::from(self.heap().is_some_and(|heap| heap.trim(keep)))
    }

    /// glibc's `malloc_stats`: a few lines on stderr.
    pub fn malloc_stats(&self) {
        if let Some(next) = self.passed_through(c"malloc_stats") {
            // SAFETY: the function of this name has this type.
            return unsafe { core::mem::transmute::<*mut c_void, extern "C" fn()>(next)() };
        }
        self.print_statistics();
    }

    /// What the heap says of itself, on stderr.
    pub fn print_statistics(&self) {
        let stats = self.stats();
        let row = |name: &str, value: usize| Line::signed().text(name).number(value).end();
        if let Some(calls) = stats.calls {
            row("blocks handed out:        ", calls.allocations as usize);
            row("blocks that came back:    ", calls.frees as usize);
            row("bytes in use:             ", stats.live);
            row("bytes in use at the peak: ", calls.peak);
            return;
        }
        row("bytes in use:             ", stats.live);
        row("of them in own mappings:  ", stats.mapped_live);
        row("bytes held for the rest:  ", stats.held);
        row("bytes that trim gives:    ", stats.trimmable);
        row("address space in use:     ", stats.reserved);
    }

    /// glibc's `malloc_info`: XML to a stdio stream; 0, or -1 with EINVAL for options it does not know.
    ///
    /// # Safety
    /// `stream` is an open stream.
    pub unsafe fn malloc_info(&self, options: c_int, stream: *mut libc::FILE) -> c_int {
        if let Some(next) = self.passed_through(c"malloc_info") {
            type Info = unsafe extern "C" fn(c_int, *mut libc::FILE) -> c_int;
            // SAFETY: the function of this name has this type; the caller's promise.
            return unsafe { core::mem::transmute::<*mut c_void, Info>(next)(options, stream) };
        }
        if options != 0 {
            errno::set(libc::EINVAL);
            return -1;
        }
        let info = self.mallinfo2();
        // No lock is held here: the stream allocates.
        let written = write!(
            Stream(stream),
            "<malloc version=\"xalloc-1\">\n<heap nr=\"0\">\n\
             <total type=\"in-use\" size=\"{}\"/>\n<total type=\"rest\" count=\"0\" size=\"{}\"/>\n\
             <total type=\"mmap\" count=\"{}\" size=\"{}\"/>\n<system type=\"current\" size=\"{}\"/>\n</heap>\n</malloc>\n",
            info.uordblks,
            info.fordblks,
            info.hblks,
            info.hblkhd,
            info.arena + info.hblkhd,
        );
        if written.is_ok() { 0 } else { -1 }
    }
}

/// A stdio stream as a target of `write!`.
struct Stream(*mut libc::FILE);

impl Write for Stream {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: an open stream, and a slice of that length.
        let written = unsafe { libc::fwrite(text.as_ptr().cast(), 1, text.len(), self.0) };
        if written == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_add_up() {
        let stats =
            Stats { live: 1000, mapped_blocks: 2, mapped_live: 600, held: 900, trimmable: 50, ..Stats::default() };
        let info = MallInfo2::from(stats);
        assert_eq!((info.arena, info.uordblks, info.fordblks), (900, 400, 500));
        assert_eq!((info.hblks, info.hblkhd, info.keepcost), (2, 600, 50));
    }
}
