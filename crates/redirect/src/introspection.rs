//! glibc's functions that ask about the heap. They answer from its [`Stats`]; with a heap that passes through, the next
//! allocator answers. docs/statistics.md explains what each number means here.

use crate::platform::dlsym;
use crate::{Heap, HeapRedirect, Stats};
use core::ffi::{CStr, c_int, c_void};
use core::fmt::{self, Write};
use xalloc_os::errno;
use xalloc_os::stderr::Line;

/// The numbers as glibc's `struct mallinfo2`, in its order. Members that mean nothing here are 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MallInfo2 {
    /// Memory for blocks without a mapping of their own, in bytes: the sum of `uordblks` and `fordblks`.
    pub arena: usize,
    /// The number of pieces of free memory.
    pub ordblks: usize,
    /// Always 0.
    pub smblks: usize,
    /// The number of blocks with a mapping of their own.
    pub hblks: usize,
    /// The bytes in those blocks.
    pub hblkhd: usize,
    /// Always 0.
    pub usmblks: usize,
    /// Always 0.
    pub fsmblks: usize,
    /// The bytes of `arena` in blocks that the program holds.
    pub uordblks: usize,
    /// The bytes of `arena` that are free, in `ordblks` pieces.
    pub fordblks: usize,
    /// The bytes of `fordblks` that `malloc_trim` would purge.
    pub keepcost: usize,
}

/// The numbers as glibc's `struct mallinfo`: the members of [`MallInfo2`] as ints.
#[repr(C)]
pub struct MallInfo(pub [c_int; 10]);

impl From<Stats> for MallInfo2 {
    fn from(stats: Stats) -> Self {
        let used = stats.allocated.saturating_sub(stats.huge_allocated);
        let arena = stats.held().max(used);
        Self {
            arena,
            // If there is no other free piece, what is left over at the ends of slabs counts as one.
            ordblks: stats.free_pieces.max(usize::from(arena > used)),
            hblks: stats.huge_blocks,
            hblkhd: stats.huge_allocated,
            uordblks: used,
            fordblks: arena - used,
            keepcost: stats.dirty.min(arena - used),
            ..Self::default()
        }
    }
}

/// The options that glibc's `mallopt` knows. They tune glibc's heap; none changes what a program can observe of ours.
const KNOWN_OPTIONS: [c_int; 9] = [1, -1, -2, -3, -4, -5, -6, -7, -8];

impl<H: Heap> HeapRedirect<H> {
    /// Returns the next allocator's function of this name, if the heap passes through and there is one.
    fn passed_through(&self, name: &CStr) -> Option<*mut c_void> {
        let function = if self.heap()?.passes_through() { dlsym::find(name) } else { core::ptr::null_mut() };
        (!function.is_null()).then_some(function)
    }

    /// Returns the numbers as glibc's `mallinfo2` does.
    pub fn mallinfo2(&self) -> MallInfo2 {
        match self.passed_through(c"mallinfo2") {
            // SAFETY: the function of this name has this type.
            Some(next) => unsafe { core::mem::transmute::<*mut c_void, extern "C" fn() -> MallInfo2>(next)() },
            None => self.stats().into(),
        }
    }

    /// Returns the numbers as glibc's `mallinfo` does: as ints, which saturate.
    pub fn mallinfo(&self) -> [c_int; 10] {
        let info = self.mallinfo2();
        // SAFETY: both are ten words in the same order.
        let words = unsafe { core::mem::transmute::<MallInfo2, [usize; 10]>(info) };
        words.map(|word| c_int::try_from(word).unwrap_or(c_int::MAX))
    }

    /// Does what glibc's `mallopt` does, but changes nothing: returns 1 for an option that exists, and 0 for another one.
    pub fn mallopt(&self, option: c_int, value: c_int) -> c_int {
        match self.passed_through(c"mallopt") {
            // SAFETY: the function of this name has this type.
            Some(next) => unsafe {
                core::mem::transmute::<*mut c_void, extern "C" fn(c_int, c_int) -> c_int>(next)(option, value)
            },
            None => c_int::from(KNOWN_OPTIONS.contains(&option)),
        }
    }

    /// Returns the usable size that a request of `size` bytes gets.
    pub fn good_size(&self, size: usize) -> usize {
        self.heap().map_or(size, |heap| heap.good_size(size))
    }

    /// Does what glibc's `malloc_trim` does: purges free memory, but for about `keep` bytes. Returns 1 if any was purged, 0
    /// otherwise.
    pub fn malloc_trim(&self, keep: usize) -> c_int {
        c_int::from(self.heap().is_some_and(|heap| heap.trim(keep)))
    }

    /// Prints the lines of glibc's `malloc_stats` on stderr.
    pub fn malloc_stats(&self) {
        if let Some(next) = self.passed_through(c"malloc_stats") {
            // SAFETY: the function of this name has this type.
            return unsafe { core::mem::transmute::<*mut c_void, extern "C" fn()>(next)() };
        }
        let stats = self.stats();
        let info = MallInfo2::from(stats);
        let row = |name: &str, value: usize| {
            let mut line = Line::new();
            // Writing to a `Line` cannot fail; what does not fit is cut off.
            let _ = write!(line, "{name:<16} = {value:>10}");
            line.end();
        };
        let part = |name: &str, system: usize, in_use: usize| {
            Line::new().text(name).end();
            row("system bytes", system);
            row("in use bytes", in_use);
        };
        part("Arena 0:", info.arena, info.uordblks);
        part("Total (incl. mmap):", info.arena + info.hblkhd, info.uordblks + info.hblkhd);
        row("max mmap regions", stats.huge_blocks_peak);
        row("max mmap bytes", stats.huge_allocated_peak);
    }

    /// Writes the XML of glibc's `malloc_info` to a stdio stream. Returns 0, or -1 with EINVAL for options that it does not
    /// know.
    ///
    /// # Safety
    /// `stream` is an open stream.
    pub unsafe fn malloc_info(&self, options: c_int, stream: *mut libc::FILE) -> c_int {
        if let Some(next) = self.passed_through(c"malloc_info") {
            type Info = unsafe extern "C" fn(c_int, *mut libc::FILE) -> c_int;
            // SAFETY: the function of this name has this type, and the program passes an open stream of stdio.
            return unsafe { core::mem::transmute::<*mut c_void, Info>(next)(options, stream) };
        }
        if options != 0 {
            errno::set(libc::EINVAL);
            return -1;
        }
        let stats = self.stats();
        let info = MallInfo2::from(stats);
        let most = stats.held_peak.max(info.arena);
        let (heap, all) = (Totals { info, most, mapped: false }, Totals { info, most, mapped: true });
        // No lock is held here: the stream allocates.
        let written = write!(
            Stream(stream),
            "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n{heap}</heap>\n{all}</malloc>\n"
        );
        if written.is_ok() { 0 } else { -1 }
    }
}

/// The XML of `malloc_info` for one heap, and for all heaps, with the blocks that have mappings of their own. The elements are
/// glibc's; "fast" is about bins that this heap does not have.
struct Totals {
    info: MallInfo2,
    /// The greatest value that `info.arena` had.
    most: usize,
    mapped: bool,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MallInfo2 { arena, ordblks, fordblks, hblks, hblkhd, .. } = self.info;
        writeln!(f, "<total type=\"fast\" count=\"0\" size=\"0\"/>")?;
        writeln!(f, "<total type=\"rest\" count=\"{ordblks}\" size=\"{fordblks}\"/>")?;
        if self.mapped {
            writeln!(f, "<total type=\"mmap\" count=\"{hblks}\" size=\"{hblkhd}\"/>")?;
        }
        writeln!(f, "<system type=\"current\" size=\"{arena}\"/>\n<system type=\"max\" size=\"{}\"/>", self.most)?;
        writeln!(f, "<aspace type=\"total\" size=\"{arena}\"/>\n<aspace type=\"mprotect\" size=\"{arena}\"/>")
    }
}

/// A stdio stream that `write!` can write to.
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
            Stats { allocated: 1000, active: 1450, dirty: 50, huge_blocks: 2, huge_allocated: 600, ..Stats::default() };
        let info = MallInfo2::from(stats);
        assert_eq!((info.arena, info.uordblks, info.fordblks), (900, 400, 500));
        assert_eq!((info.hblks, info.hblkhd, info.keepcost), (2, 600, 50));
        assert_eq!((info.ordblks, MallInfo2::from(Stats { free_pieces: 7, ..stats }).ordblks), (1, 7));
    }
}
