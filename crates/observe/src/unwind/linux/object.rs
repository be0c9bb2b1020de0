//! Modules as glibc finds them, by `_dl_find_object`, which takes no lock and may be called from a signal handler (glibc 2.35).

use super::cfi::Module;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use libc::{Elf64_Ehdr, Elf64_Phdr};

/// The type of `_dl_find_object`.
pub type FindObject = unsafe extern "C" fn(*mut c_void, *mut Object) -> c_int;

/// glibc's `struct dl_find_object`, as machines have it whose tables need no other address.
#[repr(C)]
pub struct Object {
    flags: u64,
    start: *const c_void,
    end: *const c_void,
    link_map: *const usize,
    header: *const c_void,
    reserved: [u64; 7],
}

/// Returns the module that has code at `at`, as `find` knows it.
///
/// # Safety
/// `find` is glibc's function, and a module with code of the calling thread stays loaded.
pub unsafe fn find(find: FindObject, at: usize) -> Option<Module> {
    let mut object = MaybeUninit::<Object>::uninit();
    // SAFETY: glibc's function writes the object if it returns 0.
    let object = unsafe {
        if find(at as *mut c_void, object.as_mut_ptr()) != 0 {
            return None;
        }
        object.assume_init_ref()
    };
    // SAFETY: the loader's record of the module, whose first word is the address that it has added to all of its addresses.
    let base = unsafe { *object.link_map };
    // SAFETY: the module is loaded, and begins where the loader says.
    let headers = unsafe { program_headers(object.start as usize, object.end as usize) }?;
    // SAFETY: the headers are those of the module at that base.
    unsafe { Module::all(base, headers) }.find(|module| module.code().contains(&at))
}

/// Returns the program headers of the module that is mapped at `start`, if its first segment has them, as linkers make it.
///
/// # Safety
/// A module is loaded there, up to `end`.
unsafe fn program_headers<'a>(start: usize, end: usize) -> Option<&'a [Elf64_Phdr]> {
    const PAGE: usize = 4096;
    if !start.is_multiple_of(PAGE) || end.saturating_sub(start) < PAGE {
        return None;
    }
    // SAFETY: the module's first page.
    let file = unsafe { &*(start as *const Elf64_Ehdr) };
    let (offset, count) = (file.e_phoff as usize, usize::from(file.e_phnum));
    let is_there = file.e_ident[..5] == [0x7f, b'E', b'L', b'F', libc::ELFCLASS64]
        && usize::from(file.e_phentsize) == size_of::<Elf64_Phdr>()
        && offset.is_multiple_of(align_of::<Elf64_Phdr>())
        && offset.saturating_add(count * size_of::<Elf64_Phdr>()) <= PAGE;
    // SAFETY: they are in the first page, and stay as long as the module.
    is_there.then(|| unsafe { core::slice::from_raw_parts((start + offset) as *const Elf64_Phdr, count) })
}
