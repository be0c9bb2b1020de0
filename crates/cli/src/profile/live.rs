//! The profile of a process that runs, or of a program that is started: its segment, as text like that of a file.

use super::input::Input;
use crate::observed::process::{Process, failed};
use crate::observed::segment::unreadable_segment;
use crate::observed::start::{self, Ended};
use crate::observed::switch;
use crate::refusal::Refusal;
use anyhow::Result;
use std::cell::Cell;
use std::ffi::OsString;
use std::fmt::Write;
use std::mem::offset_of;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use xalloc_observe::PROFILE;
use xalloc_observe::layout::Header;
use xalloc_observe::reader::{StackView, View};

/// How a process is profiled that was not before.
#[derive(clap::Args)]
pub struct Sampling {
    /// How long a process is observed that was started without XALLOC_CONF=prof:true
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = crate::seconds::seconds)]
    seconds: Duration,
    /// How many bytes are allocated between two samples, on average, if the process is not profiled yet
    #[arg(long, value_name = "BYTES", default_value_t = 512 << 10, value_parser = clap::value_parser!(u64).range(1..))]
    sample: u64,
}

/// Returns the profile of a process: of what it has allocated since its start if it was started so, otherwise of what it allocates
/// in the seconds that follow, after which it is observed no longer.
///
/// # Errors
/// The process cannot be observed, or ends meanwhile without a profile.
pub fn of_process(number: u32, options: &Sampling) -> Result<Input, Refusal> {
    let process = Process::find(number)?;
    let is_new = Cell::new(false);
    let segment = switch::on(&process, PROFILE, options.seconds, |_| is_new.set(true))?;
    if is_new.get() {
        let view = segment.writable(&process)?;
        // Relaxed: whoever samples reads it with each allocation.
        view.header_word(offset_of!(Header, sample)).store(options.sample, Ordering::Relaxed);
        eprintln!(
            "xalloc profile: process {number} ({}) was not profiled; it is for {} s, and what it has allocated before is not seen",
            process.name(),
            options.seconds.as_secs_f64()
        );
        process.ends_within(options.seconds);
    }
    let maps = std::fs::read_to_string(process.path("maps")).unwrap_or_default();
    let text = text(&segment.view().map_err(|why| unreadable_segment(&process, why))?, &maps);
    if is_new.get() && !process.has_ended() {
        switch::off(&process, PROFILE)?;
    }
    if maps.is_empty() {
        return Err(process.ended());
    }
    input(format!("{number}"), &text)
}

/// Runs a program with a profile from its first allocation on. Returns that, and the program's exit code; or the exit code of
/// this command, which has said why the program did not start.
///
/// # Errors
/// Something that this command needs is refused, or the program was not observed.
pub fn of_program(options: &start::Options, words: &[OsString]) -> Result<Result<(Input, ExitCode), ExitCode>> {
    // Where its modules were mapped, only the program itself can say at its end; children that it forks write files of their own.
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("%p.heap").display().to_string();
    let ended: Ended = match start::run("profile", options, &[("prof", "true"), ("prof_final", &file)], words)? {
        Ok(ended) => ended,
        Err(code) => return Ok(Err(code)),
    };
    let code = ExitCode::from(ended.code());
    let view = ended.segment.segment().view().map_err(|_| {
        failed(format!(
            "{} was not observed: libxalloc did not come into it; xalloc doctor says why",
            words[0].display()
        ))
    })?;
    let name = words[0].to_string_lossy().into_owned();
    let process = view.header_number(offset_of!(Header, process));
    let written = std::fs::read_to_string(directory.path().join(format!("{process}.heap")));
    if written.is_err() {
        eprintln!(
            "xalloc profile: {name} did not end by itself: where its modules were is not known, and no function has a name"
        );
    }
    Ok(Ok((input(name, &written.unwrap_or_else(|_| text(&view, "")))?, code)))
}

fn input(name: String, text: &str) -> Result<Input, Refusal> {
    let profile = xalloc_profile::read(text.as_bytes()).map_err(|problem| failed(format!("{name}: {problem}")))?;
    Ok(Input { path: PathBuf::from(name), profile, written: SystemTime::now() })
}

/// Returns the profile in a segment as `heap_v2`, with what the process has mapped.
fn text(view: &View<'_>, maps: &str) -> String {
    // Relaxed: a number by itself.
    let sample = view.header_word(offset_of!(Header, sample)).load(Ordering::Relaxed);
    let stacks: Vec<StackView<'_>> = (0..view.stacks()).map(|index| view.stack(index)).collect();
    let sum = |of: fn(&StackView<'_>) -> (u64, u64)| {
        stacks.iter().map(of).fold((0u64, 0u64), |sum, (a, b)| (sum.0.wrapping_add(a), sum.1.wrapping_add(b)))
    };
    let (live, all) = (sum(|stack| stack.live), sum(|stack| stack.allocated));
    let mut text = format!("heap_v2/{sample}\n  t*: {}: {} [{}: {}]\n", live.0, live.1, all.0, all.1);
    for StackView { live, allocated, frames } in &stacks {
        text.push('@');
        if frames.is_empty() {
            text.push_str(" 0x0");
        }
        for frame in *frames {
            // Relaxed: published by the number of stacks. A String takes everything.
            let _ = write!(text, " {:#x}", frame.load(Ordering::Relaxed));
        }
        let _ = writeln!(text, "\n  t*: {}: {} [{}: {}]", live.0, live.1, allocated.0, allocated.1);
    }
    text + "\nMAPPED_LIBRARIES:\n" + maps
}
