//! The heap profile as text, in jemalloc's format `heap_v2`: what jeprof and google-pprof read.
//!
//! Samples are written as they were taken. A reader multiplies them with what each stands for, from the mean distance in the
//! first line and the average size at each call stack.

use crate::layout::{MOST_FRAMES, MOST_STACKS, Stack};
use crate::segment::Segment;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU64, Ordering};
use xalloc_os::syscall::{self, Errno};

/// A file that is written in portions.
struct Output {
    descriptor: i32,
    bytes: [u8; 4096],
    used: usize,
    error: Option<Errno>,
}

/// Writes the profile to a file.
///
/// # Errors
/// The kernel's error; a part of it may be written.
pub fn write(segment: Segment, descriptor: i32) -> Result<(), Errno> {
    let mut output = Output { descriptor, bytes: [0; 4096], used: 0, error: None };
    // The output keeps the error.
    let _ = print(segment, &mut output);
    output.flush();
    match output.error {
        Some(error) => Err(error),
        None => copy_maps(descriptor),
    }
}

fn print(segment: Segment, output: &mut Output) -> fmt::Result {
    let header = segment.header();
    // Relaxed: a number. Acquire: who sees that a stack is used sees its frames.
    let sample = header.sample.load(Ordering::Relaxed);
    let used = (header.stacks_used.load(Ordering::Acquire) as usize).min(MOST_STACKS);
    let stacks = || (0..used).map(|index| segment.stack(index));
    let total = |count: fn(&Stack) -> &AtomicU64| stacks().map(|stack| value(count(stack))).fold(0, u64::wrapping_add);
    writeln!(output, "heap_v2/{sample}")?;
    let live = (total(|stack| &stack.live_objects), total(|stack| &stack.live_bytes));
    let all = (total(|stack| &stack.allocated_objects), total(|stack| &stack.allocated_bytes));
    writeln!(output, "  t*: {}: {} [{}: {}]", live.0, live.1, all.0, all.1)?;
    for stack in stacks() {
        output.write_str("@")?;
        let depth = (value(&stack.depth) as usize).min(MOST_FRAMES);
        // Without an address, readers give the numbers to the stack before.
        if depth == 0 {
            output.write_str(" 0x0")?;
        }
        for frame in &stack.frames[..depth] {
            write!(output, " {:#x}", value(frame))?;
        }
        let (objects, bytes) = (value(&stack.live_objects), value(&stack.live_bytes));
        let (all_objects, all_bytes) = (value(&stack.allocated_objects), value(&stack.allocated_bytes));
        writeln!(output, "\n  t*: {objects}: {bytes} [{all_objects}: {all_bytes}]")?;
    }
    output.write_str("\nMAPPED_LIBRARIES:\n")
}

fn value(word: &AtomicU64) -> u64 {
    // Relaxed: each number by itself.
    word.load(Ordering::Relaxed)
}

fn copy_maps(descriptor: i32) -> Result<(), Errno> {
    let maps = syscall::open_read(c"/proc/self/maps")?;
    let mut buffer = [0; 4096];
    let copied = loop {
        match syscall::read(maps, &mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => {
                if let Err(error) = syscall::write_all(descriptor, &buffer[..count]) {
                    break Err(error);
                }
            }
            Err(error) => break Err(error),
        }
    };
    syscall::close(maps);
    copied
}

impl Output {
    fn flush(&mut self) {
        if self.error.is_none() {
            self.error = syscall::write_all(self.descriptor, &self.bytes[..self.used]).err();
        }
        self.used = 0;
    }
}

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.used == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.used] = byte;
            self.used += 1;
        }
        if self.error.is_some() { Err(fmt::Error) } else { Ok(()) }
    }
}
