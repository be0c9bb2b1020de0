//! Corrupt call frame information: that of this program, with bytes changed or cut off. Before and behind it is memory that
//! cannot be read. `fuzz/fuzz_targets/call_frame_information.rs` looks further.

#![cfg(target_os = "linux")]

mod image;

use image::Image;
use xalloc_observe::unwind::linux::cfi::{self, Module, Row};
use xalloc_observe::unwind::linux::step::Registers;

/// The same numbers in each run.
struct Random(usize);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 3
    }
}

/// Returns whether a row was found for the code at `at`, and goes by it.
fn try_row(module: &Module, at: usize) -> bool {
    let row = cfi::row(module, at);
    if let Some(packed) = row.pack() {
        assert_eq!(Row::unpack(packed), row);
    }
    let Row::Frame(frame) = row else { return false };
    let registers = Registers { pc: at, sp: 0x1000, fp: Some(0x2000), link: None };
    registers.caller(&frame, |address| Some(address.wrapping_mul(0x9e37_79b9))).is_ok()
}

fn this_program() -> Image {
    Image::of(&std::env::current_exe().expect("this program's path"))
}

/// Some addresses of functions that have entries: every 50th of the table.
fn functions(image: &Image) -> Vec<usize> {
    let module = image.module();
    let header = module.header() - module.tables().start;
    let number = |at: usize| i32::from_ne_bytes(image.bytes()[at..at + 4].try_into().expect("four bytes"));
    let count = number(header + 8) as usize;
    (0..count)
        .step_by(50)
        .map(|index| module.header().wrapping_add_signed(number(header + 12 + 8 * index) as isize))
        .collect()
}

#[test]
fn changed_bytes_do_no_harm() {
    let mut image = this_program();
    let functions = functions(&image);
    let module = image.module();
    let header = module.header() - module.tables().start;
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut found, mut tried) = (0, 0);
    for round in 0..1500 {
        // Many in the table, whose bytes decide where entries are looked for.
        let length = image.bytes().len();
        let range = if round % 3 == 0 { 12..12 + 8 * functions.len() * 50 } else { 0..length - header };
        let mut changes = Vec::new();
        for _ in 0..1 + random.next() % 400 {
            let at = header + range.start + random.next() % range.len();
            changes.push((at, std::mem::replace(&mut image.bytes_mut()[at], random.next() as u8)));
        }
        for _ in 0..30 {
            let at = functions[random.next() % functions.len()] + random.next() % 64;
            found += usize::from(try_row(&module, at));
            tried += 1;
        }
        // What a byte was first is restored last.
        changes.into_iter().rev().for_each(|(at, byte)| image.bytes_mut()[at] = byte);
    }
    // Neither all nor none: the bytes that are changed are those that are read.
    assert!(found > tried / 10 && found < tried, "{found} of {tried}");
}

#[test]
fn tables_that_end_early_do_no_harm() {
    let image = this_program();
    let functions = functions(&image);
    let whole = image.module();
    let header = whole.header() - whole.tables().start;
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut found = 0;
    for round in 0..1500 {
        let left = if round < 100 { round } else { random.next() % (image.bytes().len() - header) };
        // The rest of it is where it cannot be read.
        let memory = image::guarded(&image.bytes()[..header + left]);
        let moved = memory.start.wrapping_sub(whole.tables().start);
        let code = whole.code().start.wrapping_add(moved)..whole.code().end.wrapping_add(moved);
        // SAFETY: the memory is there to the end of the round, and the code is not read.
        let module = unsafe { Module::new(code, memory.clone(), memory.start + header) };
        for _ in 0..30 {
            let at = functions[random.next() % functions.len()] + random.next() % 64;
            found += usize::from(try_row(&module, at.wrapping_add(moved)));
        }
        image::unmap(memory);
    }
    assert!(found > 500, "{found}");
}
