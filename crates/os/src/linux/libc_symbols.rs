//! libc's own entries for malloc and free in its table of symbols, to be given another meaning.
//!
//! A module that is opened with `RTLD_DEEPBIND` looks for its names in its own dependencies first, libc among them, and so
//! gets libc's malloc whatever is preloaded: blocks of two allocators meet in one program, and libc's `free` ends it. What the
//! loader looks into is libc's table of dynamic symbols, in memory of this process. An entry there is an offset from where
//! libc was loaded; any address can be said by it.

use super::syscall;
use crate::pages;
use core::ffi::{CStr, c_int, c_void};
use core::sync::atomic::{AtomicU64, Ordering};
use libc::{Elf64_Phdr, Elf64_Sym, dl_phdr_info};

const DT_NULL: i64 = 0;
const DT_STRTAB: i64 = 5;
const DT_SYMTAB: i64 = 6;
const DT_GNU_HASH: i64 = 0x6fff_fef5;

/// Has every later look into libc's table find `replacements`: a name of libc, and the address it is to mean. A table that
/// cannot be read or written stays as it is.
///
/// # Safety
/// Each address is that of a function which can stand for libc's of that name. No lock of the loader's is held.
pub unsafe fn replace(replacements: &[(&CStr, *const c_void)]) {
    let Some(table) = Table::of_libc() else { return };
    for &(name, address) in replacements {
        if let Some(symbol) = table.find(name) {
            // SAFETY: the caller's promise; the entry is libc's, found just now.
            unsafe { table.point(symbol, address) };
        }
    }
}

/// The table of dynamic symbols of a library that is loaded.
struct Table {
    base: usize,
    segments: &'static [Elf64_Phdr],
    symbols: *const Elf64_Sym,
    strings: *const i8,
    /// <https://sourceware.org/legacy-ml/binutils/2006-10/msg00377.html>
    hash: *const u32,
}

impl Table {
    /// That of the library which has libc's own `free`.
    fn of_libc() -> Option<Self> {
        struct Search {
            address: usize,
            found: Option<Table>,
        }
        unsafe extern "C" fn visit(info: *mut dl_phdr_info, _size: usize, search: *mut c_void) -> c_int {
            // SAFETY: what `dl_iterate_phdr` passes on, and the search below.
            let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
            // SAFETY: the loader's own list of a library's segments, which libc keeps as long as the process lives.
            let segments = unsafe { core::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
            let base = info.dlpi_addr as usize;
            if !segments.iter().any(|segment| is_within(segment, search.address.wrapping_sub(base))) {
                return 0;
            }
            search.found = Table::read(base, segments);
            1
        }
        let address = super::libc_imports::libc_free()? as *const c_void as usize;
        let mut search = Search { address, found: None };
        // SAFETY: the function is for this search, which outlives the call.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
        search.found
    }

    fn read(base: usize, segments: &'static [Elf64_Phdr]) -> Option<Self> {
        let dynamic = segments.iter().find(|segment| segment.p_type == libc::PT_DYNAMIC)?;
        let mut entry = (base + dynamic.p_vaddr as usize) as *const [i64; 2];
        let (mut symbols, mut strings, mut hash) = (0, 0, 0);
        loop {
            // SAFETY: the library's dynamic section, which an entry of zeros ends.
            let [tag, value] = unsafe { *entry };
            // The loader has made addresses of these offsets where it may write there.
            let address = if (value as usize) < base { base + value as usize } else { value as usize };
            match tag {
                DT_NULL => break,
                DT_SYMTAB => symbols = address,
                DT_STRTAB => strings = address,
                DT_GNU_HASH => hash = address,
                _ => {}
            }
            entry = entry.wrapping_add(1);
        }
        let is_whole = symbols != 0 && strings != 0 && hash != 0;
        is_whole.then_some(Self {
            base,
            segments,
            symbols: symbols as *const Elf64_Sym,
            strings: strings as *const i8,
            hash: hash as *const u32,
        })
    }

    /// The entry of a name that the library defines.
    fn find(&self, name: &CStr) -> Option<*const Elf64_Sym> {
        let hash = name.to_bytes().iter().fold(5381_u32, |hash, &byte| hash.wrapping_mul(33).wrapping_add(byte.into()));
        // SAFETY: the table's head: how many buckets, the first symbol that is in one, the words of the filter.
        let [buckets, first, filter, _] = unsafe { *self.hash.cast::<[u32; 4]>() };
        // SAFETY: behind the head and the filter, of 64-bit words, come the buckets, and behind them the chains.
        let (bucket, chains) = unsafe {
            let table = self.hash.add(4 + 2 * filter as usize);
            (table.add((hash % buckets) as usize).read(), table.add(buckets as usize))
        };
        let mut index = bucket;
        while index >= first {
            // SAFETY: a chain has a hash for each symbol from the first one on; its last one is odd.
            let found = unsafe { chains.add((index - first) as usize).read() };
            let symbol = self.symbols.wrapping_add(index as usize);
            // SAFETY: a symbol of the table, and its name.
            let is_it = found | 1 == hash | 1
                && unsafe { CStr::from_ptr(self.strings.add((*symbol).st_name as usize).cast()) } == name;
            if is_it {
                return Some(symbol);
            }
            if found & 1 != 0 {
                break;
            }
            index += 1;
        }
        None
    }

    /// Gives an entry another address.
    ///
    /// # Safety
    /// The entry is one of this table, and means what the address does.
    unsafe fn point(&self, symbol: *const Elf64_Sym, address: *const c_void) {
        // SAFETY: inside the entry.
        let value = unsafe { &raw const (*symbol).st_value };
        let page = value as usize & !(pages::page_size() - 1);
        let Some(protection) = self.protection(value as usize) else { return };
        let offset = (address as u64).wrapping_sub(self.base as u64);
        // SAFETY: an aligned word of the table, which is only read here.
        let word = unsafe { AtomicU64::from_ptr(value.cast_mut()) };
        // Relaxed, here and below: nothing is ordered by it. A loader that looks at this moment finds one meaning or the other.
        if word.load(Ordering::Relaxed) == offset {
            return;
        }
        // SAFETY: the loader and everybody else only read here.
        let protect = |protection| unsafe { syscall::mprotect(page, pages::page_size(), protection) };
        if protect(protection | libc::PROT_WRITE).is_ok() {
            word.store(offset, Ordering::Relaxed);
            // What it was before; if not even that is possible, it is writable.
            let _ = protect(protection);
        }
    }

    /// How the memory at `address` was loaded.
    fn protection(&self, address: usize) -> Option<c_int> {
        let segment = self.segments.iter().find(|segment| is_within(segment, address.wrapping_sub(self.base)))?;
        let bit = |flag, protection| if segment.p_flags & flag != 0 { protection } else { 0 };
        Some(bit(libc::PF_R, libc::PROT_READ) | bit(libc::PF_W, libc::PROT_WRITE) | bit(libc::PF_X, libc::PROT_EXEC))
    }
}

/// Whether a segment that is loaded has this offset from where its library was loaded.
fn is_within(segment: &Elf64_Phdr, offset: usize) -> bool {
    let start = segment.p_vaddr as usize;
    segment.p_type == libc::PT_LOAD && (start..start + segment.p_memsz as usize).contains(&offset)
}
