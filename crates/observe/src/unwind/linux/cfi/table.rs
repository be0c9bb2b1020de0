//! `.eh_frame_hdr`: a sorted table of functions and their entries in `.eh_frame`.

use super::module::Module;
use super::reader::Reader;
use crate::unwind::reason::Reason;

/// Returns a reader of all the module's tables from the entry on that is the last one not behind `at`.
pub fn search(module: &Module, at: usize) -> Result<Reader, Reason> {
    // SAFETY: a module's segment can be read as long as the module is used.
    let tables = unsafe { Reader::new(module.tables().clone()) };
    let mut header = tables.from(module.header()).ok_or(Reason::NoEntry)?;
    // Version 1; the address of .eh_frame as 4 bytes relative to itself, the count as 4 bytes, the table as pairs of 4 bytes
    // relative to the header. All linkers write it so.
    if [header.u8()?, header.u8()?, header.u8()?, header.u8()?] != [1, 0x1b, 0x03, 0x3b] {
        return Err(Reason::Form);
    }
    header.u32()?;
    let count = header.u32()? as usize;
    let pairs = header.take(count.checked_mul(8).ok_or(Reason::Corrupt)?)?;
    let pair = |index: usize| {
        let mut pair = pairs.from(pairs.address() + 8 * index).ok_or(Reason::Corrupt)?;
        let mut address = || Ok(module.header().wrapping_add_signed(pair.u32()? as i32 as isize));
        Ok((address()?, address()?))
    };
    // The first function behind `at` is somewhere from `low` to `high`.
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if pair(middle)?.0 > at { high = middle } else { low = middle + 1 }
    }
    let (_, entry) = pair(low.checked_sub(1).ok_or(Reason::NoEntry)?)?;
    tables.from(entry).ok_or(Reason::Corrupt)
}
