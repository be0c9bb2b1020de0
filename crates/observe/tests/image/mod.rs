//! A file's segment with its call frame information, in memory between two pages that cannot be read.

#![allow(dead_code, reason = "each test uses a part of it")]

use object::elf::{FileHeader64, PF_R, PF_X, PT_GNU_EH_FRAME, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSection};
use std::ops::Range;
use std::path::Path;
use xalloc_observe::unwind::linux::cfi::Module;

/// The segment, and what is known of the file.
pub struct Image {
    data: Vec<u8>,
    memory: Range<usize>,
    /// What is added to an address in the file to get one in memory.
    pub bias: usize,
    header: usize,
    code: Range<usize>,
}

impl Image {
    /// Returns the image of a file.
    pub fn of(file: &Path) -> Self {
        let data = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let elf = FileHeader64::<Endianness>::parse(&*data).expect("an ELF file");
        let endian = elf.endian().expect("known");
        let headers = elf.program_headers(endian, &*data).expect("program headers");
        let range = |one: &object::elf::ProgramHeader64<Endianness>| {
            let start = one.p_vaddr(endian) as usize;
            start..start + one.p_filesz(endian) as usize
        };
        let header = headers.iter().find(|one| one.p_type(endian) == PT_GNU_EH_FRAME).expect("a table");
        let header = range(header).start;
        let loaded =
            |flag| headers.iter().filter(move |one| one.p_type(endian) == PT_LOAD && one.p_flags(endian).0 & flag != 0);
        let segment = loaded(PF_R.0).find(|one| range(one).contains(&header)).expect("the table is loaded");
        let memory = guarded(segment.data(endian, &*data).expect("in the file"));
        let bias = memory.start.wrapping_sub(range(segment).start);
        let code = loaded(PF_X.0).map(range).reduce(|one, other| one.start.min(other.start)..one.end.max(other.end));
        Self { memory, bias, header, code: code.expect("code"), data }
    }

    /// Returns the module that the image is, as if it was loaded there.
    pub fn module(&self) -> Module {
        let at = |address: usize| address.wrapping_add(self.bias);
        // SAFETY: the memory is the image's, and nothing runs in the code, nor is it read.
        unsafe { Module::new(at(self.code.start)..at(self.code.end), self.memory.clone(), at(self.header)) }
    }

    /// Returns the bytes of the segment.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the image's own memory.
        unsafe { std::slice::from_raw_parts(self.memory.start as *const u8, self.memory.len()) }
    }

    /// Returns the bytes of the segment, to be changed.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and only the caller has the image.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start as *mut u8, self.memory.len()) }
    }

    /// Returns a section's address in the file, and its bytes.
    pub fn section(&self, name: &str) -> Option<(u64, &[u8])> {
        let file = object::File::parse(&*self.data).expect("an ELF file");
        let section = file.section_by_name(name)?;
        Some((section.address(), section.data().expect("in the file")))
    }
}

const PAGE: usize = 0x10000;

/// Copies bytes to memory of their own, at a multiple of 16, as entries of a procedure linkage table must be. They end less
/// than 16 bytes before a page that cannot be read, and begin behind one.
#[allow(clippy::disallowed_methods, reason = "that list is for the library")]
pub fn guarded(bytes: &[u8]) -> Range<usize> {
    let room = room(bytes.len());
    // SAFETY: fresh memory, of which the middle is made writable and then filled.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let start = libc::mmap(std::ptr::null_mut(), room + 2 * PAGE, libc::PROT_NONE, flags, -1, 0);
        assert_ne!(start, libc::MAP_FAILED);
        let middle = start.cast::<u8>().add(PAGE);
        assert_eq!(libc::mprotect(middle.cast(), room, libc::PROT_READ | libc::PROT_WRITE), 0);
        let place = middle.add((room - bytes.len()) & !15);
        place.copy_from(bytes.as_ptr(), bytes.len());
        place as usize..place as usize + bytes.len()
    }
}

/// Unmaps what [`guarded`] has returned, which nobody uses any more.
#[allow(clippy::disallowed_methods, reason = "that list is for the library")]
pub fn unmap(memory: Range<usize>) {
    let room = room(memory.len());
    let start = (memory.start - ((room - memory.len()) & !15)) - PAGE;
    // SAFETY: the whole mapping, of which nobody has a part.
    assert_eq!(unsafe { libc::munmap(start as *mut _, room + 2 * PAGE) }, 0);
}

/// Returns how much memory there is for so many bytes.
fn room(length: usize) -> usize {
    length.next_multiple_of(PAGE)
}
