//! Rows against those of `gimli`, a reader of DWARF by others: for all functions of libraries and programs that are here, at
//! both ends of every row.
//!
//! What both say is compared by what comes of it: the same registers before, and a made-up stack.

#![cfg(target_os = "linux")]

mod image;

use gimli::{BaseAddresses, CfaRule, EhFrame, NativeEndian, Register, RegisterRule, UnwindContext, UnwindSection};
use image::Image;
use std::collections::BTreeMap;
use std::path::Path;
use xalloc_observe::unwind::linux::cfi::{self, Row};
use xalloc_observe::unwind::linux::step::Registers;

#[cfg(target_arch = "x86_64")]
const NUMBERS: [u16; 3] = [7, 6, 16];
#[cfg(target_arch = "aarch64")]
const NUMBERS: [u16; 3] = [31, 29, 30];

type Slice<'a> = gimli::EndianSlice<'a, NativeEndian>;

/// A stack whose every word is different.
fn word(address: usize) -> usize {
    // Above all frames, because it may be the place of one.
    0x7000_0000_0000 + (address.wrapping_mul(0x9e37_79b9) & 0xff_ffff) * 8
}

const SP: usize = 0x6000_0000_0000;
const FP: usize = 0x6000_0010_0000;
const LINK: usize = 0x1234_5678;

/// What a row of gimli's leads to.
#[derive(Debug, PartialEq)]
enum Expected {
    Caller(Registers),
    Outermost,
    /// A register of which nothing is known here.
    NotFollowed,
}

struct Comparison<'a> {
    image: &'a Image,
    frames: EhFrame<Slice<'a>>,
    bases: BaseAddresses,
    rows: u64,
    unsupported: BTreeMap<String, u64>,
}

impl<'a> Comparison<'a> {
    fn new(image: &'a Image) -> Self {
        let (address, bytes) = image.section(".eh_frame").expect("a section");
        let mut bases = BaseAddresses::default().set_eh_frame(address);
        if let Some((text, _)) = image.section(".text") {
            bases = bases.set_text(text);
        }
        let frames = EhFrame::new(bytes, NativeEndian);
        Self { image, frames, bases, rows: 0, unsupported: BTreeMap::new() }
    }

    fn run(&mut self) {
        let frames = self.frames;
        let bases = self.bases.clone();
        let mut entries = frames.entries(&bases);
        let mut context = UnwindContext::new();
        while let Some(entry) = entries.next().expect("entries") {
            let gimli::CieOrFde::Fde(partial) = entry else { continue };
            let fde = partial.parse(EhFrame::cie_from_offset).expect("an entry");
            if fde.len() == 0 {
                continue;
            }
            let is_signal = fde.cie().is_signal_trampoline();
            let mut table = fde.rows(&frames, &bases, &mut context).expect("rows");
            while let Some(row) = table.next_row().expect("a row") {
                let (start, end) = (row.start_address(), row.end_address());
                // A known expression may say something else for each instruction.
                let is_known = self.is_frame(start as usize) && matches!(row.cfa(), CfaRule::Expression(_));
                let inside = if is_known { start + 1..end - 1 } else { 0..0 };
                for at in [start, end - 1].into_iter().chain(inside) {
                    self.compare(row, at as usize, is_signal, &fde.cie().encoding());
                }
            }
        }
    }

    /// Returns whether there is a row of ours.
    fn is_frame(&self, at: usize) -> bool {
        matches!(cfi::row(&self.image.module(), at.wrapping_add(self.image.bias)), Row::Frame(_))
    }

    fn compare(&mut self, row: &gimli::UnwindTableRow<usize>, at: usize, is_signal: bool, encoding: &gimli::Encoding) {
        self.rows += 1;
        let module = self.image.module();
        let ours = cfi::row(&module, at.wrapping_add(self.image.bias));
        if is_signal {
            assert_eq!(ours, Row::Signal, "{at:#x}");
            return;
        }
        let expected = self.expected(row, at, *encoding);
        let registers = Registers { pc: at, sp: SP, fp: Some(FP), link: Some(LINK) };
        match ours {
            Row::Unknown(reason) => *self.unsupported.entry(reason.text().to_owned()).or_default() += 1,
            Row::Outermost => assert_eq!(expected, Expected::Outermost, "{at:#x}"),
            Row::Signal => panic!("{at:#x} is no signal's"),
            Row::Frame(frame) => {
                let caller = registers.caller(&frame, |address| Some(word(address)));
                let caller = caller.unwrap_or_else(|reason| panic!("{at:#x}: {frame:?}: {reason:?}, not {expected:?}"));
                let Expected::Caller(mut expected) = expected else { panic!("{at:#x}: {frame:?}, not {expected:?}") };
                if caller.fp.is_none() {
                    *self.unsupported.entry("frame pointer".to_owned()).or_default() += 1;
                    expected.fp = None;
                }
                assert_eq!(caller, expected, "{at:#x}: {frame:?}");
            }
        }
    }

    fn expected(&self, row: &gimli::UnwindTableRow<usize>, at: usize, encoding: gimli::Encoding) -> Expected {
        let evaluate = |expression: &gimli::UnwindExpression<usize>, cfa: Option<usize>| {
            let expression = expression.get(&self.frames).expect("an expression");
            evaluate(expression, at, cfa, encoding)
        };
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => {
                register_value(*register, at).map(|value| value.wrapping_add_signed(*offset as isize))
            }
            CfaRule::Expression(expression) => evaluate(expression, None),
        };
        let Some(cfa) = cfa else { return Expected::NotFollowed };
        let value = |number: u16, same: usize| match row.register(Register(number)) {
            None | Some(RegisterRule::SameValue) => Ok(Some(same)),
            Some(RegisterRule::Undefined) => Ok(None),
            Some(RegisterRule::Offset(offset)) => Ok(Some(word(cfa.wrapping_add_signed(offset as isize)))),
            Some(RegisterRule::Expression(expression)) => Ok(evaluate(&expression, Some(cfa)).map(word)),
            Some(RegisterRule::ValOffset(offset)) => Ok(Some(cfa.wrapping_add_signed(offset as isize))),
            Some(RegisterRule::ValExpression(expression)) => Ok(evaluate(&expression, Some(cfa))),
            // In another register.
            Some(_) => Err(Expected::NotFollowed),
        };
        let (pc, fp) = (value(NUMBERS[2], LINK), value(NUMBERS[1], FP));
        match pc {
            Err(not_followed) => not_followed,
            Ok(None) => Expected::Outermost,
            Ok(Some(pc)) => Expected::Caller(Registers { pc, sp: cfa, fp: fp.unwrap_or(None), link: None }),
        }
    }
}

/// Returns the value of a register; `None` of one that is not followed.
fn register_value(register: Register, at: usize) -> Option<usize> {
    match NUMBERS.iter().position(|&number| number == register.0) {
        Some(0) => Some(SP),
        Some(1) => Some(FP),
        Some(2) if cfg!(target_arch = "x86_64") => Some(at),
        _ => None,
    }
}

fn evaluate(
    expression: gimli::Expression<Slice<'_>>,
    at: usize,
    cfa: Option<usize>,
    encoding: gimli::Encoding,
) -> Option<usize> {
    let mut evaluation = expression.evaluation(encoding);
    if let Some(cfa) = cfa {
        evaluation.set_initial_value(cfa as u64);
    }
    let mut state = evaluation.evaluate().expect("an expression");
    loop {
        state = match state {
            gimli::EvaluationResult::Complete => break,
            gimli::EvaluationResult::RequiresRegister { register, .. } => {
                let value = register_value(register, at)?;
                evaluation.resume_with_register(gimli::Value::Generic(value as u64)).expect("an expression")
            }
            gimli::EvaluationResult::RequiresMemory { address, .. } => {
                let value = gimli::Value::Generic(word(address as usize) as u64);
                evaluation.resume_with_memory(value).expect("an expression")
            }
            other => panic!("{at:#x}: {other:?}"),
        };
    }
    match evaluation.as_result()[..] {
        [gimli::Piece { location: gimli::Location::Address { address }, .. }] => Some(address as usize),
        ref other => panic!("{at:#x}: {other:?}"),
    }
}

/// Compares all rows of a file, of which less than one of a thousand may be unsupported.
fn compare(file: &Path) {
    let image = Image::of(file);
    let mut comparison = Comparison::new(&image);
    comparison.run();
    let Comparison { rows, unsupported, .. } = comparison;
    let sum: u64 = unsupported.values().sum();
    println!("{}: {rows} rows, {:.3} % unsupported: {unsupported:?}", file.display(), 100.0 * sum as f64 / rows as f64);
    assert!(rows > 100, "{} has only {rows} rows", file.display());
    assert!(sum * 1000 < rows, "{}: {unsupported:?} of {rows} rows", file.display());
}

/// The same for a library or a program that is not everywhere.
fn compare_if_there(name: &str) {
    let machine = std::env::consts::ARCH;
    let folders = [
        format!("/lib/{machine}-linux-gnu"),
        format!("/usr/lib/{machine}-linux-gnu"),
        // Where compilers for another machine have its libraries.
        format!("/usr/{machine}-linux-gnu/lib"),
        "/lib64".to_owned(),
        "/usr/lib64".to_owned(),
    ];
    let found = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file());
    match found {
        Some(file) => compare(&file),
        None => eprintln!("skipped: there is no {name}"),
    }
}

#[test]
fn of_this_program() {
    compare(&std::env::current_exe().expect("this program's path"));
}

#[test]
fn of_libc() {
    compare_if_there("libc.so.6");
}

#[test]
fn of_the_runtime_of_cxx() {
    compare_if_there("libstdc++.so.6");
}

#[test]
fn of_python() {
    compare_if_there("libpython3.11.so.1.0");
}

#[test]
fn of_perl() {
    compare_if_there("libperl.so.5.36");
}
