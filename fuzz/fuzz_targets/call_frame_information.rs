//! Call frame information that somebody has made up, changed or cut off: nothing outside of it is read, what comes of it is a row
//! or a reason, and a row leads upward.
#![no_main]

use arbitrary::Arbitrary;
use xalloc_observe::unwind::linux::cfi::{self, Module, Place, Row};
use xalloc_observe::unwind::linux::step::Registers;

#[derive(Arbitrary, Debug)]
struct Input {
    augmentation: Augmentation,
    alignments: (u8, i8),
    common_program: Vec<u8>,
    /// For each function, its size and its program.
    functions: Vec<(u8, Vec<u8>)>,
    /// Bytes that are written somewhere at the end.
    changes: Vec<(u16, u8)>,
    /// How many bytes are missing at the end.
    cut: u16,
    /// Where rows are asked for, in the code.
    at: Vec<u16>,
}

#[derive(Arbitrary, Debug)]
enum Augmentation {
    None,
    Usual,
    Signal,
    Personality(u8),
    Other([u8; 4]),
}

/// How far behind the tables the code is said to be. Nothing reads it.
const CODE: usize = 0x10_0000;

libfuzzer_sys::fuzz_target!(|input: Input| {
    let mut tables = tables(&input);
    for &(at, byte) in &input.changes {
        let length = tables.len();
        tables[at as usize % length] = byte;
    }
    tables.truncate(tables.len() - input.cut as usize % tables.len());
    // Exactly as large as it is, so that a read behind it is noticed.
    let tables = tables.into_boxed_slice();
    let start = tables.as_ptr() as usize;
    // SAFETY: the tables are there to the end of this input; the code is not read.
    let module = unsafe { Module::new(start + CODE..start + 2 * CODE, start..start + tables.len(), start) };
    for &at in &input.at {
        check(cfi::row(&module, start + CODE + at as usize));
    }
});

fn check(row: Row) {
    if let Some(packed) = row.pack() {
        assert_eq!(Row::unpack(packed), row);
    }
    let Row::Frame(frame) = row else { return };
    let registers = Registers { pc: 0x1000, sp: 0x2000, fp: Some(0x3000), link: Some(0x4000) };
    let word = |address: usize| address.is_multiple_of(8).then(|| address.wrapping_mul(0x9e37_79b9));
    if let Ok(caller) = registers.caller(&frame, word) {
        assert!(caller.sp > registers.sp || caller.sp == registers.sp && frame.return_address == Place::Same);
    }
}

/// Tables of the form that linkers make: the header, the common entry, the functions' entries.
fn tables(input: &Input) -> Vec<u8> {
    let functions = &input.functions[..input.functions.len().min(8)];
    let header = 12 + 8 * functions.len();
    let mut entries = Vec::new();
    let common = entry(&mut entries, &common(input));
    let mut table = Vec::new();
    let mut code = CODE;
    for (size, program) in functions {
        table.extend((code as u32).to_ne_bytes());
        table.extend(((header + entries.len()) as u32).to_ne_bytes());
        let place = header + entries.len() + 4;
        let mut body = ((place - header - common) as u32).to_ne_bytes().to_vec();
        body.extend(((code - place - 4) as u32).to_ne_bytes());
        body.extend(u32::from(*size).to_ne_bytes());
        if !matches!(input.augmentation, Augmentation::None) {
            body.push(0);
        }
        body.extend(program);
        entry(&mut entries, &body);
        code += *size as usize;
    }
    let mut tables = vec![1, 0x1b, 0x03, 0x3b];
    tables.extend((header as u32 - 4).to_ne_bytes());
    tables.extend((functions.len() as u32).to_ne_bytes());
    tables.extend(table);
    tables.extend(entries);
    tables
}

/// Adds an entry with its length, and returns where it begins.
fn entry(entries: &mut Vec<u8>, body: &[u8]) -> usize {
    let start = entries.len();
    entries.extend((body.len() as u32).to_ne_bytes());
    entries.extend(body);
    start
}

fn common(input: &Input) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 1];
    let (letters, data): (&[u8], &[u8]) = match &input.augmentation {
        Augmentation::None => (b"", &[]),
        Augmentation::Usual => (b"zR", &[0x1b]),
        Augmentation::Signal => (b"zRS", &[0x1b]),
        Augmentation::Personality(encoding) => (b"zPLR", &[*encoding, 0, 0, 0, 0, 0x1b, 0x1b]),
        Augmentation::Other(letters) => (letters, &[0x1b]),
    };
    body.extend(letters);
    body.push(0);
    body.extend([input.alignments.0 & 0x7f, input.alignments.1 as u8 & 0x7f, 16]);
    if !letters.is_empty() {
        body.push(data.len() as u8);
        body.extend(data);
    }
    body.extend(&input.common_program);
    body
}
