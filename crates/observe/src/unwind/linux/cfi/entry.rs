//! Entries of `.eh_frame`: one for each function (FDE), with what many have in common in another one (CIE).

use super::encoding;
use super::module::Module;
use super::reader::Reader;
use super::table;
use crate::unwind::reason::Reason;

/// The call frame information of a function.
pub struct Entry {
    /// The address of its first instruction.
    pub start: usize,
    /// The function is the code to which a signal handler returns.
    pub is_signal: bool,
    /// By what distances between instructions are divided, and distances on the stack.
    pub code_alignment: u64,
    pub data_alignment: i64,
    /// The program that all functions of the same common entry have, and the function's own.
    pub common_program: Reader,
    pub program: Reader,
}

impl Entry {
    /// Returns the entry for the function that has code at `at`.
    pub fn find(module: &Module, at: usize) -> Result<Self, Reason> {
        let mut rest = table::search(module, at)?;
        let mut body = body(&mut rest)?;
        let place = body.address();
        let distance = body.u32()? as usize;
        // SAFETY: a module's segment can be read as long as the module is used.
        let tables = unsafe { Reader::new(module.tables().clone()) };
        let mut common = tables.from(place.wrapping_sub(distance)).ok_or(Reason::Corrupt)?;
        let common = Common::read(&mut common)?;
        let start = encoding::address(&mut body, common.encoding)?;
        let length = encoding::number(&mut body, common.encoding)?;
        if at.wrapping_sub(start) >= length {
            return Err(Reason::NoEntry);
        }
        if common.has_data {
            let length = body.unsigned()?;
            body.take(length as usize)?;
        }
        Ok(Self {
            start,
            is_signal: common.is_signal,
            code_alignment: common.code_alignment,
            data_alignment: common.data_alignment,
            common_program: common.program,
            program: body,
        })
    }
}

/// Returns a reader of an entry without its length.
fn body(reader: &mut Reader) -> Result<Reader, Reason> {
    const LONG: u32 = 0xffff_ffff;
    match reader.u32()? {
        LONG => Err(Reason::Form),
        length => reader.take(length as usize),
    }
}

/// What functions have in common.
struct Common {
    code_alignment: u64,
    data_alignment: i64,
    /// How addresses are written in the functions' entries.
    encoding: u8,
    is_signal: bool,
    /// The functions' entries have data of the language in them, after a length.
    has_data: bool,
    program: Reader,
}

impl Common {
    fn read(reader: &mut Reader) -> Result<Self, Reason> {
        let mut body = body(reader)?;
        if body.u32()? != 0 {
            return Err(Reason::Corrupt);
        }
        let version = body.u8()?;
        let mut augmentation = text(&mut body)?;
        let code_alignment = body.unsigned()?;
        let data_alignment = body.signed()?;
        // The number of the column for return addresses.
        match version {
            1 => body.u8().map(u64::from)?,
            3 => body.unsigned()?,
            _ => return Err(Reason::Form),
        };
        let mut common =
            Self { code_alignment, data_alignment, encoding: 0, is_signal: false, has_data: false, program: body };
        if augmentation.left() > 0 {
            common.augment(&mut augmentation, body)?;
        }
        Ok(common)
    }

    /// Reads what the letters of `augmentation` announce from `body`, where the program follows.
    fn augment(&mut self, augmentation: &mut Reader, mut body: Reader) -> Result<(), Reason> {
        if augmentation.u8()? != b'z' {
            return Err(Reason::Form);
        }
        self.has_data = true;
        let length = body.unsigned()?;
        let mut data = body.take(length as usize)?;
        self.program = body;
        while augmentation.left() > 0 {
            match augmentation.u8()? {
                b'R' => self.encoding = data.u8()?,
                b'L' => _ = data.u8()?,
                b'P' => {
                    let encoding = data.u8()?;
                    encoding::number(&mut data, encoding)?;
                }
                b'S' => self.is_signal = true,
                // aarch64: which key signs return addresses; tagged memory.
                b'B' | b'G' => {}
                _ => return Err(Reason::Form),
            }
        }
        Ok(())
    }
}

/// Returns a reader of a text that ends with a zero, without the zero, and goes on behind it.
fn text(reader: &mut Reader) -> Result<Reader, Reason> {
    let mut end = *reader;
    while end.u8()? != 0 {}
    let length = reader.left() - end.left() - 1;
    let text = reader.take(length)?;
    reader.u8()?;
    Ok(text)
}
