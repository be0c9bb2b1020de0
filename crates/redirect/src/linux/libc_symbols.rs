//! Changes libc's table of symbols, so that its names for malloc and free mean our functions.
//!
//! A function that is looked up in libc itself, or in a library and its dependencies, is libc's own, whatever is preloaded.
//! Then blocks of two allocators are used in one program, and libc's `free` ends it. The loader looks into libc's table of
//! dynamic symbols, in the memory of this process. The value of an entry is an offset from the address at which libc was
//! loaded, so it can mean any address.

use super::dlsym;
use core::ffi::{CStr, c_int, c_void};
use core::sync::atomic::{AtomicU64, Ordering};
use libc::{Elf64_Phdr, Elf64_Sym, dl_phdr_info};
use xalloc_os::symbols::Symbols;
use xalloc_os::{pages, syscall};

/// Changes libc's entries for these names to the addresses of this library's functions, for every later look-up. Does nothing
/// if the loader does not prefer our definitions to all others in the process, or if a table cannot be read or written.
///
/// # Safety
/// This library's functions can be used in the place of libc's of the same names. No lock of the loader is held, or this thread
/// holds it.
pub unsafe fn replace(names: &[&CStr]) {
    let Some(ours) = Table::of(replace as *const c_void as usize).filter(|table| is_preferred(table, names)) else {
        return;
    };
    let Some(libc_free) = super::libc_imports::libc_free() else { return };
    // SAFETY: the caller's functions are as libc's of these names, and stay.
    visit(libc_free as *const c_void as usize, |libc| unsafe { libc.take_from(&ours, names) });
}

/// Returns whether the loader prefers this library's definitions of all these names.
fn is_preferred(table: &Table, names: &[&CStr]) -> bool {
    let is_exact = |name: &&CStr| table.symbols.address_of(name) == Some(dlsym::preferred(name) as usize);
    // In a program with fixed addresses, such as Debian's python3, the address of a function to which the program refers is
    // that of a jump inside the program, for everybody. The jump leads to what the loader prefers, but does not say what that
    // is.
    let is_jump =
        |name: &&CStr| Table::of(dlsym::preferred(name) as usize).is_some_and(|other| other.find(name).is_none());
    names.iter().any(is_exact) && names.iter().all(|name| is_exact(name) || is_jump(name))
}

/// Calls `each` with the table of the library that has code or data at `address`. It does so under the loader's lock, so only
/// one thread does it at a time.
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
    /// Returns the table of the library that contains `address`.
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

    /// Returns the entry of a name that the library defines.
    fn find(&self, name: &CStr) -> Option<*const Elf64_Sym> {
        self.symbols.find(name)
    }

    /// Gives the entries of these names the addresses that `other` has for them: all of them, or none.
    ///
    /// # Safety
    /// The functions of `other` can be used in the place of these. No other thread calls this.
    unsafe fn take_from(&self, other: &Table, names: &[&CStr]) {
        let pairs = || names.iter().filter_map(|name| Some((*name, self.find(name)?, other.symbols.address_of(name)?)));
        if pairs().all(|(name, _, address)| self.symbols.address_of(name) == Some(address)) {
            return;
        }
        let places = || pairs().map(|(_, symbol, _)| Self::value(symbol) as usize);
        let (Some(first), Some(last)) = (places().min(), places().max()) else { return };
        let Some(protection) = self.protection(first).filter(|&is| self.protection(last) == Some(is)) else { return };
        // If the kernel or a filter refuses, libc's names stay libc's.
        if protect(first, last, protection | libc::PROT_WRITE) {
            for (_, symbol, address) in pairs() {
                // SAFETY: an aligned word of the table, writable just now.
                let word = unsafe { AtomicU64::from_ptr(Self::value(symbol).cast_mut()) };
                // Relaxed: it orders nothing. A loader that reads the entry at this moment finds the old or the new address.
                word.store((address as u64).wrapping_sub(self.base as u64), Ordering::Relaxed);
            }
            // Restores the protection. If that is refused too, the pages stay writable.
            protect(first, last, protection);
        }
    }

    /// Returns the address of an entry's value.
    fn value(symbol: *const Elf64_Sym) -> *const u64 {
        // SAFETY: inside an entry of a table.
        unsafe { &raw const (*symbol).st_value }
    }

    /// Returns the protection with which the memory at `address` was loaded.
    fn protection(&self, address: usize) -> Option<c_int> {
        let segment = self.segments.iter().find(|segment| is_within(segment, address.wrapping_sub(self.base)))?;
        let bit = |flag, protection| if segment.p_flags & flag != 0 { protection } else { 0 };
        Some(bit(libc::PF_R, libc::PROT_READ) | bit(libc::PF_W, libc::PROT_WRITE) | bit(libc::PF_X, libc::PROT_EXEC))
    }
}

/// Protects the pages from one address of the table to another. They are few, and one call to the kernel is cheaper than one
/// for each entry. Returns false if the kernel refuses.
fn protect(first: usize, last: usize, protection: c_int) -> bool {
    let size = pages::page_size();
    let start = first & !(size - 1);
    // SAFETY: the loader and everybody else only read here.
    unsafe { syscall::mprotect(start, pages::round_up(last + 1, size) - start, protection) }.is_ok()
}

/// Returns whether a segment that is loaded contains this offset from the address at which its library was loaded.
fn is_within(segment: &Elf64_Phdr, offset: usize) -> bool {
    let start = segment.p_vaddr as usize;
    segment.p_type == libc::PT_LOAD && (start..start + segment.p_memsz as usize).contains(&offset)
}
