//! A file that an option names, for what is written when the process ends.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use xalloc_options::{PATH_MAX, Part, parts};
use xalloc_os::process;
use xalloc_os::stderr::Line;
use xalloc_os::syscall::{self, Errno};

/// The file: its path as the option has it, with its `%`; nothing until it is set.
pub struct OutputFile {
    bytes: [AtomicU8; PATH_MAX],
    length: AtomicUsize,
}

impl OutputFile {
    /// Returns a file without a path.
    pub const fn new() -> Self {
        Self { bytes: [const { AtomicU8::new(0) }; PATH_MAX], length: AtomicUsize::new(0) }
    }

    /// Sets the path. Called during start-up.
    pub fn set(&self, path: &[u8]) {
        // Relaxed, both: written before start-up ends, which orders it before the end of the process.
        self.bytes.iter().zip(path).for_each(|(to, &from)| to.store(from, Ordering::Relaxed));
        self.length.store(path.len().min(PATH_MAX), Ordering::Relaxed);
    }

    /// Returns whether there is a path.
    pub fn is_set(&self) -> bool {
        // Relaxed: see `set`.
        self.length.load(Ordering::Relaxed) != 0
    }

    /// Has the file written by `write`, which gets its path for this process. If it cannot be, prints one line on stderr; `what`
    /// is in the plural.
    pub fn write(&self, what: &str, write: impl FnOnce(&CStr) -> Result<(), Errno>) {
        let path = self.path();
        let written = path.as_c_str().ok_or(Errno(libc::ENAMETOOLONG)).and_then(write);
        if let Err(error) = written {
            let mut line = Line::signed();
            line.text("the ").text(what).text(" cannot be written to ").bytes(path.as_bytes()).text(": ");
            match reason(error) {
                Some(reason) => line.text(reason),
                None => line.text("error ").number(error.0 as usize),
            };
            line.end();
        }
    }

    fn path(&self) -> Path {
        let mut bytes = [0; PATH_MAX];
        // Relaxed, both: see `set`.
        bytes.iter_mut().zip(&self.bytes).for_each(|(to, from)| *to = from.load(Ordering::Relaxed));
        let mut path = Path::new();
        for part in parts(&bytes[..self.length.load(Ordering::Relaxed)]).flatten() {
            path.push(part);
        }
        path
    }
}

/// Returns the words for an error that users meet. libc's function may allocate.
fn reason(error: Errno) -> Option<&'static str> {
    Some(match error.0 {
        libc::EACCES | libc::EPERM => "permission denied",
        libc::ENOENT => "there is no such directory",
        libc::ENOTDIR => "a part of the path is no directory",
        libc::EISDIR => "it is a directory",
        libc::ELOOP => "it is a symbolic link, which is not followed",
        libc::ENXIO | libc::EAGAIN => "nobody reads that pipe",
        libc::EROFS => "the file system is read-only",
        libc::ENOSPC | libc::EDQUOT => "no space is left",
        libc::EMFILE | libc::ENFILE => "too many files are open",
        libc::ENAMETOOLONG => "the name is too long",
        _ => return None,
    })
}

/// A path for this process, of at most the length that the kernel accepts.
struct Path {
    bytes: [u8; 4096],
    used: usize,
}

impl Path {
    const fn new() -> Self {
        Self { bytes: [0; 4096], used: 0 }
    }

    fn push(&mut self, part: Part) {
        match part {
            Part::Byte(byte) => self.push_bytes(&[byte]),
            Part::Program => self.push_bytes(process::program_name()),
            Part::Process => {
                let mut number = Line::new();
                number.number(syscall::process_id() as usize);
                self.push_bytes(number.as_bytes());
            }
        }
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        for (to, &from) in self.bytes[self.used..].iter_mut().zip(bytes) {
            *to = from;
            self.used += 1;
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    /// Returns the path; `None` if it is too long.
    fn as_c_str(&self) -> Option<&CStr> {
        CStr::from_bytes_until_nul(&self.bytes).ok()
    }
}
