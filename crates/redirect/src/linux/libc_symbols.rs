//! libc's own entries for malloc and free in its table of symbols, to be given another meaning.
//!
//! What is looked up in libc itself, or in a library and what that depends on, is libc's malloc whatever is preloaded: blocks of
//! two allocators meet in one program, and libc's `free` ends it. What the loader looks into is libc's table of dynamic symbols,
//! in memory of this process. An entry there is an offset from where libc was loaded; any address can be said by it.

use super::dlsym;
use core::ffi::{CStr, c_int, c_void};
use core::sync::atomic::{AtomicU64, Ordering};
use libc::{Elf64_Phdr, Elf64_Sym, dl_phdr_info};
use xalloc_os::symbols::Symbols;
use xalloc_os::{pages, syscall};

/// Has every later look into libc's table for one of these names find what this library defines under it. Nothing happens if the
/// loader does not prefer our definitions to all others in the process, or if a table cannot be read or written.
///
/// # Safety
/// What this library defines can stand for libc's of the same name. No lock of the loader's is held, or this thread holds it.
pub unsafe fn replace(names: &[&CStr]) {
    let Some(ours) = Table::of(replace as *const c_void as usize).filter(|table| is_preferred(table, names)) else {
        return;
    };
    let Some(libc_free) = super::libc_imports::libc_free() else { return };
    // SAFETY: the caller's functions are as libc's of these names, and stay.
    visit(libc_free as *const c_void as usize, |libc| unsafe { libc.take_from(&ours, names) });
}

/// Whether the loader prefers this library's definitions of all these names.
fn is_preferred(table: &Table, names: &[&CStr]) -> bool {
    let is_exact = |name: &&CStr| table.symbols.address_of(name) == Some(dlsym::preferred(name) as usize);
    // In a program with fixed addresses, as Debian's python3 is one, the address of a function that it refers to is that of a
    // jump in the program itself, for everybody. The jump leads to what the loader prefers, but does not say what that is.
    let is_jump =
        |name: &&CStr| Table::of(dlsym::preferred(name) as usize).is_some_and(|other| other.find(name).is_none());
    names.iter().any(is_exact) && names.iter().all(|name| is_exact(name) || is_jump(name))
}

/// Calls `each` with the table of the library that has code or data at `address`: under the loader's lock, so with one thread at
/// a time.
fn visit(address: usize, mut each: impl FnMut(Table)) {
    unsafe extern "C" fn look(info: *mut dl_phdr_info, _size: usize, search: *mut c_void) -> c_int {
        // SAFETY: what `dl_iterate_phdr` passes on, and the search below.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<(usize, &mut dyn FnMut(Table))>()) };
        // SAFETY: the loader's own list of a library's segments, kept as long as that is loaded.
        let segments = unsafe { core::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let base = info.dlpi_addr as usize;
        if !segments.iter().any(|segment| is_within(segment, search.0.wrapping_sub(base))) {
            return 0;
        }
        if let Some(table) = Table::read(base, segments) {
            (search.1)(table);
        }
        1
    }
    let mut search: (usize, &mut dyn FnMut(Table)) = (address, &mut each);
    // SAFETY: the function is for this search, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast()) };
}

/// The table of dynamic symbols of a library that stays loaded.
struct Table {
    base: usize,
    segments: &'static [Elf64_Phdr],
    symbols: Symbols,
}

impl Table {
    /// That of the library at `address`.
    fn of(address: usize) -> Option<Self> {
        let mut found = None;
        visit(address, |table| found = Some(table));
        found
    }

    fn read(base: usize, segments: &'static [Elf64_Phdr]) -> Option<Self> {
        let dynamic = segments.iter().find(|segment| segment.p_type == libc::PT_DYNAMIC)?;
        // SAFETY: the loader's own description of a library that stays loaded.
        let symbols = unsafe { Symbols::read(base, (base + dynamic.p_vaddr as usize) as *const [usize; 2], true) }?;
        Some(Self { base, segments, symbols })
    }

    /// The entry of a name that the library defines.
    fn find(&self, name: &CStr) -> Option<*const Elf64_Sym> {
        self.symbols.find(name)
    }

    /// Gives the entries of these names the addresses that `other` has for them: all, or none.
    ///
    /// # Safety
    /// Those can stand for these. No other thread does this.
    unsafe fn take_from(&self, other: &Table, names: &[&CStr]) {
        let pairs = || names.iter().filter_map(|name| Some((*name, self.find(name)?, other.symbols.address_of(name)?)));
        if pairs().all(|(name, _, address)| self.symbols.address_of(name) == Some(address)) {
            return;
        }
        let places = || pairs().map(|(_, symbol, _)| Self::value(symbol) as usize);
        let (Some(first), Some(last)) = (places().min(), places().max()) else { return };
        let Some(protection) = self.protection(first).filter(|&is| self.protection(last) == Some(is)) else { return };
        // If the kernel refuses, or a filter does, libc's names stay libc's.
        if protect(first, last, protection | libc::PROT_WRITE) {
            for (_, symbol, address) in pairs() {
                // SAFETY: an aligned word of the table, writable just now.
                let word = unsafe { AtomicU64::from_ptr(Self::value(symbol).cast_mut()) };
                // Relaxed: nothing is ordered by it. A loader that looks at this moment finds one meaning or the other.
                word.store((address as u64).wrapping_sub(self.base as u64), Ordering::Relaxed);
            }
            // What it was before; if not even that is possible, it is writable.
            protect(first, last, protection);
        }
    }

    /// Where an entry says its address.
    fn value(symbol: *const Elf64_Sym) -> *const u64 {
        // SAFETY: inside an entry of a table.
        unsafe { &raw const (*symbol).st_value }
    }

    /// How the memory at `address` was loaded.
    fn protection(&self, address: usize) -> Option<c_int> {
        let segment = self.segments.iter().find(|segment| is_within(segment, address.wrapping_sub(self.base)))?;
        let bit = |flag, protection| if segment.p_flags & flag != 0 { protection } else { 0 };
        Some(bit(libc::PF_R, libc::PROT_READ) | bit(libc::PF_W, libc::PROT_WRITE) | bit(libc::PF_X, libc::PROT_EXEC))
    }
}

/// Protects the pages from that of one address of the table to that of another one: they are few, and one call to the kernel is
/// cheaper than one for each entry. False if that is refused.
fn protect(first: usize, last: usize, protection: c_int) -> bool {
    let size = pages::page_size();
    let start = first & !(size - 1);
    // SAFETY: the loader and everybody else only read here.
    unsafe { syscall::mprotect(start, pages::round_up(last + 1, size) - start, protection) }.is_ok()
}

/// Whether a segment that is loaded has this offset from where its library was loaded.
fn is_within(segment: &Elf64_Phdr, offset: usize) -> bool {
    let start = segment.p_vaddr as usize;
    segment.p_type == libc::PT_LOAD && (start..start + segment.p_memsz as usize).contains(&offset)
}
