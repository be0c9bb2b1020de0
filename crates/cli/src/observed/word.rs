//! The library's word in a process, by which it is told what to observe as long as there is no segment.

use super::process::{Process, failed};
use crate::refusal::Refusal;
use memmap2::Mmap;
use object::{Object, ObjectSegment, ObjectSymbol};
use rustix::param::page_size;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

/// The name under which the library exports it.
const NAME: &str = "xalloc_wanted";
/// A name that the library of every version exports.
const ANY_VERSION: &str = "xalloc_version";

/// Where the word is.
pub struct Word<'a> {
    process: &'a Process,
    address: u64,
}

impl<'a> Word<'a> {
    /// Returns the word of a process that runs on the library.
    ///
    /// # Errors
    /// It does not run on it, or cannot be looked at.
    pub fn find(process: &'a Process) -> Result<Self, Refusal> {
        let maps = std::fs::read_to_string(process.path("maps"));
        let maps = maps.map_err(|error| process.refused("see the mappings", &error))?;
        let (mut seen, mut is_old, mut is_replaced) = (BTreeSet::new(), false, false);
        for mapping in maps.lines().filter_map(Mapping::parse) {
            if !seen.insert((mapping.inode, mapping.path)) {
                continue;
            }
            match mapping.look(process) {
                Looked::Address(address) => return Ok(Self { process, address }),
                Looked::OldLibrary => is_old = true,
                Looked::Replaced => is_replaced |= mapping.path.contains("libxalloc"),
                Looked::Nothing => {}
            }
        }
        if maps.is_empty() && process.has_ended() {
            return Err(process.ended());
        }
        let why = match (is_old, is_replaced) {
            (true, _) => "its libxalloc is of a version that cannot be observed; start it again with this one",
            (_, true) => {
                "the file of its libxalloc was replaced since it was started; start it again, with XALLOC_CONF=observe:true"
            }
            _ => {
                "it does not run on libxalloc; start it by xalloc stats -- PROGRAM, or by xalloc run --set observe=true PROGRAM"
            }
        };
        Err(failed(format!("process {} ({}) cannot be observed: {why}", process.id(), process.name())))
    }

    /// Returns what is wanted now.
    ///
    /// # Errors
    /// The kernel does not let this command read it.
    pub fn read(&self) -> Result<u32, Refusal> {
        let mut value = 0u32;
        let [local, remote] = self.ends((&raw mut value).cast());
        // SAFETY: the local end is the value above; the kernel checks the other one.
        let moved =
            unsafe { libc::process_vm_readv(self.process.id().as_raw_nonzero().get(), &local, 1, &remote, 1, 0) };
        self.moved(moved).map(|()| value)
    }

    /// Stores what is wanted.
    ///
    /// # Errors
    /// The kernel does not let this command write it.
    pub fn write(&self, mut value: u32) -> Result<(), Refusal> {
        let [local, remote] = self.ends((&raw mut value).cast());
        // SAFETY: the local end is the value above. The other process has an atomic number of 32 bits there, which it expects
        // to change at any time.
        let moved =
            unsafe { libc::process_vm_writev(self.process.id().as_raw_nonzero().get(), &local, 1, &remote, 1, 0) };
        self.moved(moved)
    }

    fn ends(&self, value: *mut libc::c_void) -> [libc::iovec; 2] {
        let end = |iov_base| libc::iovec { iov_base, iov_len: size_of::<u32>() };
        [end(value), end(self.address as *mut libc::c_void)]
    }

    fn moved(&self, bytes: isize) -> Result<(), Refusal> {
        if bytes == size_of::<u32>() as isize {
            return Ok(());
        }
        Err(self.process.not_written(&io::Error::last_os_error()))
    }
}

/// A part of a file, mapped into a process.
struct Mapping<'a> {
    start: u64,
    offset: u64,
    inode: u64,
    path: &'a str,
}

/// What a mapped file is.
enum Looked {
    /// The library, whose word is at this address.
    Address(u64),
    /// The library, without the word.
    OldLibrary,
    /// No longer the file that was mapped.
    Replaced,
    /// Another file.
    Nothing,
}

impl<'a> Mapping<'a> {
    /// Reads a line of /proc/PID/maps. `None` if it is of no file.
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let start = words.next()?.split_once('-')?.0;
        let offset = words.nth(1)?;
        let inode = words.nth(1)?;
        let path = words.next()?.trim_start();
        path.starts_with('/').then_some(())?;
        let hexadecimal = |digits| u64::from_str_radix(digits, 16).ok();
        Some(Self { start: hexadecimal(start)?, offset: hexadecimal(offset)?, inode: inode.parse().ok()?, path })
    }

    fn look(&self, process: &Process) -> Looked {
        // The process may have another root directory.
        let path = process.path("root").join(self.path.trim_start_matches('/'));
        let Ok(metadata) = path.metadata() else { return Looked::Replaced };
        if metadata.ino() != self.inode {
            return Looked::Replaced;
        }
        // Opening a device may do something.
        if !metadata.is_file() {
            return Looked::Nothing;
        }
        let Ok(file) = File::open(&path) else { return Looked::Nothing };
        // SAFETY: the bytes are only read. Somebody who truncates the file meanwhile ends this command, as every linker's.
        let Ok(bytes) = (unsafe { Mmap::map(&file) }) else { return Looked::Nothing };
        let Ok(library) = object::File::parse(&*bytes) else { return Looked::Nothing };
        let defined =
            |name: &str| library.dynamic_symbols().find(|symbol| symbol.is_definition() && symbol.name() == Ok(name));
        match defined(NAME) {
            Some(symbol) => {
                self.base(&library).map_or(Looked::Nothing, |base| Looked::Address(base.wrapping_add(symbol.address())))
            }
            None if defined(ANY_VERSION).is_some() => Looked::OldLibrary,
            None => Looked::Nothing,
        }
    }

    /// Returns what is added to the library's own addresses in the process.
    fn base(&self, library: &object::File<'_>) -> Option<u64> {
        let page = |address: u64| address & !(page_size() as u64 - 1);
        let mut segments = library.segments();
        let first = segments.find(|segment| page(segment.file_range().0) == self.offset)?;
        Some(self.start.wrapping_sub(page(first.address())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_files_are_read() {
        let line = "7f01a000-7f01c000 r--p 00002000 fd:01 1234                       /usr/lib/a b.so (deleted)";
        let mapping = Mapping::parse(line).expect("a file");
        assert_eq!((mapping.start, mapping.offset, mapping.inode), (0x7f01a000, 0x2000, 1234));
        assert_eq!(mapping.path, "/usr/lib/a b.so (deleted)");
        assert!(Mapping::parse("7ffc0000-7ffc1000 rw-p 00000000 00:00 0                  [stack]").is_none());
        assert!(Mapping::parse("7ffc0000-7ffc1000 rw-p 00000000 00:00 0").is_none());
    }
}
