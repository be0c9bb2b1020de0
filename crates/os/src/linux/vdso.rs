//! The clock of the vDSO: code of the kernel's in every process, which reads the time without a system call. A filter of system
//! calls that is written around libc, whose clock this is, need not allow `clock_gettime`.

use super::{arch, process};
use core::ffi::CStr;
use core::sync::atomic::{AtomicUsize, Ordering};
use libc::{Elf64_Ehdr, Elf64_Phdr, Elf64_Sym};

/// `clock_gettime`, but for errno: the result is 0, or a negative error number.
pub type ReadClock = unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> i32;

/// The vDSO's `clock_gettime`; `None` if the kernel maps no vDSO.
pub fn clock() -> Option<ReadClock> {
    const NOT_LOOKED_FOR: usize = 0;
    const NONE: usize = 1;
    static ADDRESS: AtomicUsize = AtomicUsize::new(NOT_LOOKED_FOR);
    // Relaxed, twice: every thread would store the same address of code.
    let mut address = ADDRESS.load(Ordering::Relaxed);
    if address == NOT_LOOKED_FOR {
        let image = process::auxiliary(libc::AT_SYSINFO_EHDR);
        // SAFETY: where the kernel says, it has mapped its image.
        let found = if image == 0 { None } else { unsafe { find(image, arch::VDSO_CLOCK) } };
        address = found.unwrap_or(NONE);
        ADDRESS.store(address, Ordering::Relaxed);
    }
    // SAFETY: the kernel's documentation declares the function of this name so.
    (address != NONE).then(|| unsafe { core::mem::transmute::<usize, ReadClock>(address) })
}

/// The address of what a loaded library defines under `name`.
///
/// Without a look at its version: the vDSO has each name once.
///
/// # Safety
/// A whole library, with its header, is mapped at `image`, and has not been relocated.
unsafe fn find(image: usize, name: &CStr) -> Option<usize> {
    // SAFETY: the caller's promise; so for all tables below, of which the header and the dynamic section say where they are.
    unsafe {
        let header = &*(image as *const Elf64_Ehdr);
        let segments = (image + header.e_phoff as usize) as *const Elf64_Phdr;
        let segments = core::slice::from_raw_parts(segments, header.e_phnum.into());
        let first = segments.iter().find(|segment| segment.p_type == libc::PT_LOAD)?;
        let base = image.wrapping_add(first.p_offset as usize).wrapping_sub(first.p_vaddr as usize);
        let dynamic = segments.iter().find(|segment| segment.p_type == libc::PT_DYNAMIC)?;
        let tables = Tables::read(base, base.wrapping_add(dynamic.p_vaddr as usize) as *const [usize; 2])?;
        let symbols = core::slice::from_raw_parts(tables.symbols, tables.count());
        let is_it = |symbol: &&Elf64_Sym| {
            symbol.st_shndx != 0 && CStr::from_ptr(tables.strings.add(symbol.st_name as usize).cast()) == name
        };
        symbols.iter().find(is_it).map(|symbol| base.wrapping_add(symbol.st_value as usize))
    }
}

/// The tables of a library's symbols.
struct Tables {
    symbols: *const Elf64_Sym,
    strings: *const u8,
    /// Hash tables, of which one at least is not null: only they tell how many symbols there are.
    hash: *const u32,
    gnu_hash: *const u32,
}

impl Tables {
    /// # Safety
    /// `entry` is the first one of the dynamic section of the library at `base`.
    unsafe fn read(base: usize, mut entry: *const [usize; 2]) -> Option<Self> {
        const END: usize = 0;
        const HASH: usize = 4;
        const STRINGS: usize = 5;
        const SYMBOLS: usize = 6;
        const GNU_HASH: usize = 0x6fff_fef5;
        let (mut symbols, mut strings, mut hash, mut gnu_hash) = (0, 0, 0, 0);
        loop {
            // SAFETY: the section ends with an entry of zeros.
            let [tag, offset] = unsafe { *entry };
            let table = match tag {
                END => break,
                HASH => &mut hash,
                STRINGS => &mut strings,
                SYMBOLS => &mut symbols,
                GNU_HASH => &mut gnu_hash,
                _ => &mut 0,
            };
            *table = base.wrapping_add(offset);
            entry = entry.wrapping_add(1);
        }
        let is_whole = symbols != 0 && strings != 0 && (hash, gnu_hash) != (0, 0);
        is_whole.then_some(Self {
            symbols: symbols as *const Elf64_Sym,
            strings: strings as *const u8,
            hash: hash as *const u32,
            gnu_hash: gnu_hash as *const u32,
        })
    }

    /// How many symbols there are.
    ///
    /// # Safety
    /// The tables are a library's.
    unsafe fn count(&self) -> usize {
        // SAFETY: the caller's promise.
        unsafe { if self.hash.is_null() { count_by_gnu_hash(self.gnu_hash) } else { *self.hash.add(1) as usize } }
    }
}

/// # Safety
/// The table is a library's. <https://sourceware.org/legacy-ml/binutils/2006-10/msg00377.html>
unsafe fn count_by_gnu_hash(table: *const u32) -> usize {
    // SAFETY: the head says how many buckets there are, which symbol is the first one in any, and how many words, of 64 bits, the
    // filter has. A bucket has the number of its chain's first symbol; the chain's last hash is odd.
    unsafe {
        let [buckets, first, filter, _] = *table.cast::<[u32; 4]>();
        let buckets = core::slice::from_raw_parts(table.add(4 + 2 * filter as usize), buckets as usize);
        let chains = buckets.as_ptr_range().end;
        let mut last = buckets.iter().copied().max().unwrap_or(0);
        if last < first {
            return first as usize;
        }
        while *chains.add((last - first) as usize) & 1 == 0 {
            last += 1;
        }
        last as usize + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_clock_and_nothing_else() {
        let image = process::auxiliary(libc::AT_SYSINFO_EHDR);
        assert_ne!(image, 0, "this kernel has a vDSO");
        // SAFETY: the kernel's image.
        let find = |name| unsafe { find(image, name) };
        let clock = find(arch::VDSO_CLOCK).expect("it has a clock");
        assert!((image..image + (64 << 10)).contains(&clock));
        assert_eq!(super::clock().map(|clock| clock as usize), Some(clock));
        assert_eq!(find(c"clock_gettim"), None);
        assert_eq!(find(c""), None);
    }

    #[test]
    fn both_hash_tables_tell_how_many_symbols_there_are() {
        // Two buckets and a filter of one word: symbols 1 to 3 in the chains 1 and 2, 3.
        let table: [u32; 11] = [2, 1, 1, 0, 0, 0, 1, 2, 7, 4, 9];
        let count = |table: &[u32]| {
            // SAFETY: a table as it should be.
            unsafe { count_by_gnu_hash(table.as_ptr()) }
        };
        assert_eq!(count(&table), 4);
        // A library that defines nothing.
        assert_eq!(count(&[1, 5, 1, 0, 0, 0, 0]), 5);
    }

    #[test]
    fn it_is_the_kernels_time() {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let clock = clock().expect("this kernel has a vDSO");
        // SAFETY: one timespec is written.
        assert_eq!(unsafe { clock(libc::CLOCK_MONOTONIC, &mut time) }, 0);
        let before = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
        let after = super::super::syscall::clock_by_system_call(libc::CLOCK_MONOTONIC);
        assert!(before != 0 && before <= after, "{before} {after}");
    }
}
