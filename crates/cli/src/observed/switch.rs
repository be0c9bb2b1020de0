//! Observation, switched on and off in a process that runs.

use super::process::{Process, failed};
use super::segment::Segment;
use super::word::Word;
use crate::refusal::Refusal;
use std::mem::offset_of;
use std::time::{Duration, Instant};
use xalloc_observe::layout::Header;

/// How often it is looked whether the segment is there.
const LOOK: Duration = Duration::from_millis(10);

/// Returns the segment of a process in which `bits` (`xalloc_observe::COUNTERS` and its like) are on: from now on, if they were
/// not. Then `say` gets a line that says so. The process makes its segment when it allocates next, for which this waits.
///
/// # Errors
/// The process cannot be observed, or has made no segment in that time.
pub fn on(process: &Process, bits: u32, wait: Duration, say: impl Fn(&str)) -> Result<Segment, Refusal> {
    if let Some(segment) = Segment::of(process)? {
        let is_on = segment.view().is_ok_and(|view| view.header_number(offset_of!(Header, wanted)) & bits == bits);
        if !is_on {
            segment.writable(process)?.want(bits);
            say("it was not observed; it is from now on");
        }
        return Ok(segment);
    }
    let word = Word::find(process)?;
    word.write(word.read()? | bits)?;
    say("it was not observed; it is from its next allocation on, for which this command waits");
    let end = Instant::now() + wait;
    loop {
        if let Some(segment) = Segment::of(process)? {
            return Ok(segment);
        }
        if process.ends_within(LOOK.min(wait)) {
            return Err(process.ended());
        }
        let who = format!("process {} ({})", process.id(), process.name());
        if word.read()? & bits == 0 {
            return Err(failed(format!(
                "{who} cannot be observed: the kernel gave it no memory that can be shared (memfd_create)"
            )));
        }
        if Instant::now() >= end {
            return Err(failed(format!(
                "{who} did not allocate for {} s, and is observed from its next allocation on; call this command again, or wait \
                 longer (--wait)",
                wait.as_secs_f64()
            )));
        }
    }
}

/// Switches `bits` off. Returns the segment, if there is one: what was counted stays in it.
///
/// # Errors
/// The process cannot be told.
pub fn off(process: &Process, bits: u32) -> Result<Option<Segment>, Refusal> {
    if let Some(segment) = Segment::of(process)? {
        segment.writable(process)?.unwant(bits);
        return Ok(Some(segment));
    }
    let word = Word::find(process)?;
    word.write(word.read()? & !bits)?;
    Ok(None)
}
