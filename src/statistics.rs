//! Prints the statistics at the end of the process, on stderr or to the file that the option `stats` names.
//!
//! The file is opened when they are written, and closed after that, so that a forked child has a file of its own and the
//! program never has a descriptor that it did not open. They are appended, because many processes may write to the same file.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use xalloc_options::{PATH_MAX, Part, parts};
use xalloc_os::stderr::Line;
use xalloc_os::syscall::{self, Errno};
use xalloc_os::{process, refusals};
use xalloc_redirect::{Heap, HeapRedirect, StatsReport};

/// The path as the option has it; empty for stderr.
struct Template {
    bytes: [AtomicU8; PATH_MAX],
    length: AtomicUsize,
}

static TEMPLATE: Template = Template { bytes: [const { AtomicU8::new(0) }; PATH_MAX], length: AtomicUsize::new(0) };

/// Sets the file to which the statistics are written. `path` is a value of the option. Called during start-up.
pub fn write_to(path: &[u8]) {
    // Relaxed, both: written before start-up ends, which orders it before the end of the process.
    TEMPLATE.bytes.iter().zip(path).for_each(|(to, &from)| to.store(from, Ordering::Relaxed));
    TEMPLATE.length.store(path.len().min(PATH_MAX), Ordering::Relaxed);
}

/// Prints what the heap holds, or writes it to the file. If the file cannot be written, prints one line on stderr.
pub fn print<H: Heap>(redirect: &HeapRedirect<H>) {
    let mut report = StatsReport::new();
    report.sign().text("statistics of ").bytes(process::program_name());
    report.text(", pid ").number(syscall::process_id() as usize).end_line();
    report_failing_request(&mut report);
    redirect.report_statistics(&mut report);
    // Relaxed: see `write_to`.
    match TEMPLATE.length.load(Ordering::Relaxed) {
        0 => report.print(),
        length => append(&report, &TEMPLATE.bytes[..length]),
    }
}

fn report_failing_request(report: &mut StatsReport) {
    let Some((request, made)) = refusals::failing_request() else { return };
    report.sign().text("fail_mapping: request ").number(request).text(" for memory ");
    if made == request {
        report.text("was refused").end_line();
    } else {
        report.text("did not come: the process made ").number(made).end_line();
    }
}

fn append(report: &StatsReport, template: &[AtomicU8]) {
    let mut path = Path::new();
    let mut bytes = [0; PATH_MAX];
    // Relaxed: see `write_to`.
    bytes.iter_mut().zip(template).for_each(|(to, from)| *to = from.load(Ordering::Relaxed));
    for part in parts(&bytes[..template.len()]).flatten() {
        path.push(part);
    }
    let written = path.as_c_str().ok_or(Errno(libc::ENAMETOOLONG)).and_then(|path| report.append_to(path));
    if let Err(error) = written {
        let mut line = Line::signed();
        line.text("the statistics cannot be written to ").bytes(path.as_bytes()).text(": ");
        match reason(error) {
            Some(reason) => line.text(reason),
            None => line.text("error ").number(error.0 as usize),
        };
        line.end();
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
