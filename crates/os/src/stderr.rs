//! One line for the user, built in a fixed buffer and written with one `write(2)`.

use crate::system::syscall;
use core::fmt;

/// A line under construction. What does not fit is cut, never split over two writes.
pub struct Line {
    bytes: [u8; 512],
    used: usize,
}

impl Line {
    /// An empty line.
    #[allow(clippy::new_without_default, reason = "a line without words has no use")]
    pub const fn new() -> Self {
        Self { bytes: [0; 512], used: 0 }
    }

    /// Appends `text`.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Appends bytes as they are, but for control characters, which become `?`: they may come from an environment or a
    /// file name and must not move the user's cursor.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            // One byte stays free for the newline.
            if self.used < self.bytes.len() - 1 {
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

    /// What the line holds so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    /// Writes the line and a newline to stderr.
    pub fn end(&mut self) {
        self.bytes[self.used] = b'\n';
        syscall::write_all(libc::STDERR_FILENO, &self.bytes[..self.used + 1]);
        self.used = 0;
    }
}

impl fmt::Write for Line {
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
}
