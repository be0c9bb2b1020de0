//! A program that is started to be observed.

use super::segment::Prepared;
use crate::catalogue::{OWN, Setting};
use crate::measure::foreground;
use crate::run::plan::{Behind, Plan};
use crate::run::{not_started, plan, refusal};
use anyhow::Result;
use rustix::io::{FdFlags, fcntl_setfd};
use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::Instant;
use xalloc_layers::Method;
use xalloc_observe::layout;

/// How the program is started.
#[derive(clap::Args)]
pub struct Options {
    /// Observe the program on another allocator, as xalloc list names it or by its path: libxalloc then stands in front of it
    #[arg(short, long, default_value = OWN, value_name = "NAME", requires = "command")]
    allocator: String,
    /// Set an option of the allocator, as its layer names it (xalloc layers show NAME); may be repeated
    #[arg(short, long = "set", value_name = "KEY=VALUE", value_parser = Setting::parse, requires = "command")]
    settings: Vec<Setting>,
    /// Run the program even if something stands in the way
    #[arg(long, requires = "command")]
    force: bool,
}

/// A program that was observed, and has ended.
pub struct Ended {
    /// What it wrote.
    pub segment: Arc<Prepared>,
    status: ExitStatus,
}

impl Ended {
    /// Returns the program's exit code; 128 and the signal's number if a signal ended it, as shells return it.
    pub fn code(&self) -> u8 {
        let code = self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or_default());
        u8::try_from(code).unwrap_or(u8::MAX)
    }
}

/// Runs a program with a segment that was made for it, and with these options of libxalloc, by name and value. The program has this command's
/// standard input, output and error, and signals reach it. If it does not start, the result is the exit code of the command
/// `name`, which has said why.
///
/// # Errors
/// Something that this command needs is refused.
pub fn run(
    name: &str,
    options: &Options,
    switched: &[(&str, &str)],
    words: &[OsString],
) -> Result<Result<Ended, ExitCode>> {
    let plan = match planned(name, options, switched, words) {
        Ok(plan) => plan,
        Err(code) => return Ok(Err(code)),
    };
    let segment = Arc::new(Prepared::new()?);
    let mut command = plan.command(words);
    hand_over(&mut command, &segment);
    let signals = foreground::catch_signals()?;
    let start = Instant::now();
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ok(Err(ExitCode::from(not_started(name, &words[0], &error)))),
    };
    let ended = foreground::wait(&child, start, signals);
    if ended.is_err() {
        // Nobody else waits for it any more.
        let _ = child.kill().and_then(|()| child.wait());
    }
    Ok(Ok(Ended { segment, status: ended?.status }))
}

fn planned(name: &str, options: &Options, switched: &[(&str, &str)], words: &[OsString]) -> Result<Plan, ExitCode> {
    let method = if options.allocator == OWN { Method::LdPreload } else { Method::Proxy };
    let mut settings = options.settings.clone();
    settings.extend(switched.iter().map(|&(name, value)| Setting { name: name.into(), value: value.into() }));
    let plan = plan(name, &options.allocator, method, &settings, Behind::Everything)?;
    if options.force {
        return Ok(plan);
    }
    refusal(name, &words[0], &plan).map_or(Ok(plan), Err)
}

/// Has the program inherit the segment, and find it.
fn hand_over(command: &mut Command, segment: &Arc<Prepared>) {
    command.env(layout::VARIABLE, segment.variable());
    let segment = Arc::clone(segment);
    let inherit = move || {
        segment.take();
        Ok(fcntl_setfd(segment.file(), FdFlags::empty())?)
    };
    // SAFETY: getpid and fcntl may be called between fork and exec, and atomic variables may be stored.
    unsafe { command.pre_exec(inherit) };
}
