//! Encoded pointers: an address that says in a byte of its own how it is written.

use super::reader::Reader;
use crate::unwind::reason::Reason;

/// Returns the address that is written in this encoding.
pub fn address(reader: &mut Reader, encoding: u8) -> Result<usize, Reason> {
    const RELATIVE: u8 = 0x70;
    const TO_ITSELF: u8 = 0x10;
    const INDIRECT: u8 = 0x80;
    let base = match encoding & (RELATIVE | INDIRECT) {
        0 => 0,
        TO_ITSELF => reader.address(),
        _ => return Err(Reason::Form),
    };
    Ok(base.wrapping_add(number(reader, encoding)?))
}

/// Returns the number that is written in this encoding, whatever it is relative to. A negative one wraps around.
pub fn number(reader: &mut Reader, encoding: u8) -> Result<usize, Reason> {
    match encoding & 0x0f {
        0x00 | 0x04 | 0x0c => reader.u64().map(|number| number as usize),
        0x01 => reader.unsigned().map(|number| number as usize),
        0x02 => reader.u16().map(usize::from),
        0x03 => reader.u32().map(|number| number as usize),
        0x09 => reader.signed().map(|number| number as usize),
        0x0a => reader.u16().map(|number| number as i16 as usize),
        0x0b => reader.u32().map(|number| number as i32 as usize),
        _ => Err(Reason::Form),
    }
}
