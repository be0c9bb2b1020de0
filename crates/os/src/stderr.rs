//! Lines for the user, built in a fixed buffer and written by one `write(2)`.

use crate::filter;
use crate::system::syscall::{self, Errno};
use core::ffi::{CStr, c_char};
use core::fmt;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, Ordering};

/// The prefix of the names of this copy's functions; null if they have C's names.
static PREFIX: AtomicPtr<c_char> = AtomicPtr::new(core::ptr::null_mut());

/// Makes the lines name the copy of the library whose functions are called `prefix_malloc` and so on.
pub fn set_prefix(prefix: &'static CStr) {
    // Relaxed: what it points to never changes.
    PREFIX.store(prefix.as_ptr().cast_mut(), Ordering::Relaxed);
}

/// Returns the prefix of the names of this copy's functions; `None` if they have C's names.
pub fn prefix() -> Option<&'static CStr> {
    // Relaxed: see `set_prefix`.
    let prefix = PREFIX.load(Ordering::Relaxed);
    // SAFETY: `set_prefix` stored a string that lives for ever.
    (!prefix.is_null()).then(|| unsafe { CStr::from_ptr(prefix) })
}

/// A second descriptor of the standard error, 0 if there is none, and the file for which it was opened.
static KEPT: AtomicI32 = AtomicI32::new(0);
static KEPT_DEVICE: AtomicU64 = AtomicU64::new(0);
static KEPT_FILE: AtomicU64 = AtomicU64::new(0);
/// The least number for it: above the numbers that programs use, and below the usual limit of 1024.
const KEPT_LEAST: i32 = 900;

/// Duplicates the standard error, for lines that are written after the program has closed it, as GNU's programs do when they
/// end.
pub fn keep() {
    let identity = syscall::identity(libc::STDERR_FILENO);
    if let (Ok(kept), Some((device, file))) = (syscall::duplicate(libc::STDERR_FILENO, KEPT_LEAST), identity) {
        // Relaxed: done once at start-up, which orders it before every line.
        KEPT_DEVICE.store(device, Ordering::Relaxed);
        KEPT_FILE.store(file, Ordering::Relaxed);
        KEPT.store(kept, Ordering::Relaxed);
    }
}

/// Returns the descriptor for lines: the standard error, or its duplicate if the program has closed it. Not the duplicate if
/// the program has closed that too and opened another file with its number.
fn descriptor() -> i32 {
    // Relaxed: see `keep`.
    let kept = KEPT.load(Ordering::Relaxed);
    if kept == 0 || syscall::identity(libc::STDERR_FILENO).is_some() {
        return libc::STDERR_FILENO;
    }
    let file = (KEPT_DEVICE.load(Ordering::Relaxed), KEPT_FILE.load(Ordering::Relaxed));
    if syscall::identity(kept) == Some(file) { kept } else { libc::STDERR_FILENO }
}

/// Writes all bytes. Raises no signal where nobody reads them, unless a filter may forbid the system calls that this needs.
fn write(descriptor: i32, bytes: &[u8]) -> Result<(), Errno> {
    if filter::is_expected() {
        syscall::write_all(descriptor, bytes)
    } else {
        syscall::write_quietly(descriptor, bytes)
    }
}

/// A text of at most `SIZE` bytes that is written as a whole. What does not fit is cut off.
pub struct Text<const SIZE: usize> {
    bytes: [u8; SIZE],
    used: usize,
}

/// A text of one line.
pub type Line = Text<512>;

impl Line {
    /// Returns a line that begins with the speaker's name: `xalloc: `, or another prefix.
    pub fn signed() -> Self {
        let mut line = Self::new();
        line.sign();
        line
    }
}

impl<const SIZE: usize> Text<SIZE> {
    /// Returns an empty text.
    pub const fn new() -> Self {
        Self { bytes: [0; SIZE], used: 0 }
    }

    /// Appends the speaker's name: `xalloc: `, or another prefix.
    pub fn sign(&mut self) -> &mut Self {
        self.bytes(prefix().unwrap_or(c"xalloc").to_bytes()).text(": ")
    }

    /// Appends `text`.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Appends bytes as they are, but `?` for control characters: bytes from an environment or a file name must not move the
    /// user's cursor.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            // One byte stays free for the newline.
            if self.used < SIZE - 1 {
                self.bytes[self.used] = if byte.is_ascii_control() { b'?' } else { byte };
                self.used += 1;
            }
        }
        self
    }

    /// Appends `value` in decimal.
    pub fn number(&mut self, mut value: usize) -> &mut Self {
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                return self.bytes(&digits[first..]);
            }
        }
    }

    /// Appends `value` as `0x…`.
    pub fn address(&mut self, value: usize) -> &mut Self {
        self.text("0x");
        let digits = (usize::BITS - (value | 1).leading_zeros()).div_ceil(4);
        for digit in (0..digits).rev() {
            self.bytes(&[b"0123456789abcdef"[value >> (digit * 4) & 15]]);
        }
        self
    }

    /// Returns what the text holds so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    /// Appends a newline. Another line may follow.
    pub fn end_line(&mut self) {
        if self.used < SIZE {
            self.bytes[self.used] = b'\n';
            self.used += 1;
        }
    }

    /// Writes the text and a newline to stderr, and empties the text.
    pub fn end(&mut self) {
        self.end_line();
        self.print();
        self.used = 0;
    }

    /// Writes the text to stderr by one call. Ignores a standard error that is closed or full, which must not become a second
    /// failure.
    pub fn print(&self) {
        let _ = write(descriptor(), self.as_bytes());
    }

    /// Appends the text to the file at `path` by one call, so that the texts of several processes do not mix.
    ///
    /// # Errors
    /// The kernel's error from opening the file or from writing to it.
    pub fn append_to(&self, path: &CStr) -> Result<(), Errno> {
        let opened = syscall::open_append(path)?;
        // The number must be none that the program uses or expects to get: it may have closed its standard streams.
        let file = syscall::duplicate(opened, KEPT_LEAST).or_else(|_| syscall::duplicate(opened, 3));
        syscall::close(opened);
        let file = file?;
        let written = write(file, self.as_bytes());
        syscall::close(file);
        written
    }
}

impl<const SIZE: usize> fmt::Write for Text<SIZE> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_cuts() {
        let mut line = Line::new();
        line.text("a\n").number(0).text(" ").number(usize::MAX).text(" ").address(0).text(" ").address(0xdead_beef);
        assert_eq!(line.as_bytes(), b"a?0 18446744073709551615 0x0 0xdeadbeef");
        for _ in 0..100 {
            line.text("0123456789");
        }
        assert_eq!(line.as_bytes().len(), 511);
    }

    #[test]
    fn what_does_not_fit_into_a_text_of_several_lines_is_cut() {
        let mut text = Text::<16>::new();
        text.text("one").end_line();
        text.text("0123456789abcdef").end_line();
        text.text("two").end_line();
        assert_eq!(text.as_bytes(), b"one\n0123456789a\n");
    }
}
