//! Reads numbers from memory, up to an end.

use crate::unwind::reason::Reason;
use core::ops::Range;

/// What is left to be read of a part of a module's segment.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    at: usize,
    end: usize,
}

impl Reader {
    /// Returns a reader of this memory.
    ///
    /// # Safety
    /// The range can be read, and its bytes do not change, as long as the reader or a copy of it is used.
    pub unsafe fn new(range: Range<usize>) -> Self {
        Self { at: range.start, end: range.end.max(range.start) }
    }

    /// Returns the address of the next byte.
    pub fn address(&self) -> usize {
        self.at
    }

    /// Returns how many bytes are left.
    pub fn left(&self) -> usize {
        self.end - self.at
    }

    /// Returns a reader of the next `count` bytes, and goes on behind them.
    pub fn take(&mut self, count: usize) -> Result<Self, Reason> {
        if count > self.left() {
            return Err(Reason::Corrupt);
        }
        let taken = Self { at: self.at, end: self.at + count };
        self.at += count;
        Ok(taken)
    }

    /// Returns a reader from this address on, to the same end. `None` if the address is not in what this one can read.
    pub fn from(&self, address: usize) -> Option<Self> {
        (self.at..self.end).contains(&address).then_some(Self { at: address, ..*self })
    }

    pub fn u8(&mut self) -> Result<u8, Reason> {
        self.bytes().map(u8::from_ne_bytes)
    }

    pub fn u16(&mut self) -> Result<u16, Reason> {
        self.bytes().map(u16::from_ne_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Reason> {
        self.bytes().map(u32::from_ne_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Reason> {
        self.bytes().map(u64::from_ne_bytes)
    }

    /// Returns a number in ULEB128. Bits beyond the 64th are an error.
    pub fn unsigned(&mut self) -> Result<u64, Reason> {
        let (bits, shift, last) = self.leb128()?;
        let is_too_long = shift > 64 && last >> (64 + 7 - shift) != 0;
        if is_too_long { Err(Reason::Corrupt) } else { Ok(bits) }
    }

    /// Returns a number in SLEB128.
    pub fn signed(&mut self) -> Result<i64, Reason> {
        let (bits, shift, last) = self.leb128()?;
        let sign = if shift < 64 && last & 0x40 != 0 { u64::MAX << shift } else { 0 };
        Ok((bits | sign) as i64)
    }

    /// Returns the bits of a LEB128, how many there are, and its last byte.
    fn leb128(&mut self) -> Result<(u64, u32, u8), Reason> {
        let (mut bits, mut shift) = (0, 0);
        loop {
            let byte = self.u8()?;
            bits |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok((bits, shift, byte));
            }
            // Ten bytes have 64 bits.
            if shift >= 70 {
                return Err(Reason::Corrupt);
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let taken = self.take(N)?;
        // SAFETY: the next N bytes are before the end, and `new`'s caller has promised that all up to it can be read.
        Ok(unsafe { (taken.at as *const [u8; N]).read() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> Reader {
        let start = bytes.as_ptr() as usize;
        // SAFETY: the tests keep the bytes.
        unsafe { Reader::new(start..start + bytes.len()) }
    }

    #[test]
    fn reads_numbers_of_any_length() {
        assert_eq!(reader(&[0xe5, 0x8e, 0x26]).unsigned(), Ok(624_485));
        assert_eq!(reader(&[0xc0, 0xbb, 0x78]).signed(), Ok(-123_456));
        assert_eq!(reader(&[0x7f]).signed(), Ok(-1));
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(reader(&most).unsigned(), Ok(u64::MAX));
        let least = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f];
        assert_eq!(reader(&least).signed(), Ok(i64::MIN));
    }

    #[test]
    fn stops_at_the_end_and_at_numbers_that_are_too_long() {
        assert_eq!(reader(&[1, 2, 3]).u32(), Err(Reason::Corrupt));
        assert_eq!(reader(&[0x80, 0x80]).unsigned(), Err(Reason::Corrupt));
        assert_eq!(reader(&[0xff; 11]).unsigned(), Err(Reason::Corrupt));
        let one_bit_more = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02];
        assert_eq!(reader(&one_bit_more).unsigned(), Err(Reason::Corrupt));
        assert!(reader(&[1, 2]).take(3).is_err());
    }
}
