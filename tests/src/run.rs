//! A program run to its end, and what a program that hangs looks like.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

/// Runs `command` to its end and returns what it printed. What it started and left running ends with it.
///
/// # Errors
/// A command that does not start, or that still runs after `limit`: it is killed, and the error says so. A hang is a
/// result of its own in an allocator's tests (a deadlock), so it must never become a hang of the test.
pub fn run(command: &mut Command, limit: Duration) -> Result<Output, String> {
    // Files, not pipes: those have no end as long as any process that the command started has them open.
    let [stdout, stderr] = [(); 2].map(|()| tempfile::tempfile().expect("a temporary file"));
    let copy = |file: &File| file.try_clone().expect("a file descriptor");
    let mut child = command
        .process_group(0)
        .stdout(copy(&stdout))
        .stderr(copy(&stderr))
        .spawn()
        .map_err(|error| format!("{command:?} does not start: {error}"))?;
    let group = Pid::from_child(&child);
    let ended = ends_within(group, limit);
    // The child is not yet waited for, so neither number can have become another's. They fail if there is none to kill.
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.kill();
    let status = child.wait().map_err(|error| error.to_string())?;
    let output = Output { status, stdout: contents(stdout), stderr: contents(stderr) };
    if ended { Ok(output) } else { Err(format!("{command:?} still runs after {limit:?}: a hang\n{}", tail(&output))) }
}

/// Returns whether the child ends within `limit`. It stays to be waited for.
fn ends_within(child: Pid, limit: Duration) -> bool {
    let start = Instant::now();
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(child), options).expect("a child of ours").is_none() {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

fn contents(mut file: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("a readable file");
    bytes
}

/// Runs `command` and demands exit code 0.
///
/// # Errors
/// The exit status and the end of what the command printed, or [`run`]'s errors.
pub fn succeed(command: &mut Command, limit: Duration) -> Result<Output, String> {
    let output = run(command, limit)?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{command:?}: {}\n{}", output.status, tail(&output)))
}

/// The last lines of what a command printed, for a failure message.
pub fn tail(output: &Output) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Waits for something that the child, or what it started, does before it ends.
pub fn wait_until(child: &mut Child, condition: impl Fn() -> bool) {
    while !condition() {
        assert_eq!(child.try_wait().expect("a child"), None, "it ended early");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Ctrl-Z and `fg`: stops the child, and lets it go on when it stands.
pub fn stop_and_continue(child: &mut Child) {
    let id = Pid::from_child(child);
    let status = format!("/proc/{id}/stat");
    kill_process(id, Signal::STOP).expect("a child of ours");
    wait_until(child, || std::fs::read_to_string(&status).expect("not waited for yet").contains(") T "));
    kill_process(id, Signal::CONT).expect("a child of ours");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a shell that starts a process in the background and then does `last`. Returns what came of it, and what the
    /// process in the background said: nothing, if it was not there any more after a minute.
    fn with_a_background_process(last: &str, limit: Duration) -> (Result<Output, String>, String) {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec 3>&0; (sleep 60; echo lives >&3) & {last}")]).stdin(writer);
        let output = run(&mut command, limit);
        // The end of the pipe comes when all who have it open are gone.
        drop(command);
        let mut said = String::new();
        reader.read_to_string(&mut said).unwrap();
        (output, said)
    }

    #[test]
    fn what_a_command_leaves_running_ends_with_it() {
        let (output, said) = with_a_background_process("echo out; echo err >&2; exit 3", Duration::from_secs(500));
        let output = output.unwrap();
        assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"err\n"[..]));
        assert_eq!((output.status.code(), &*said), (Some(3), ""));
    }

    #[test]
    fn a_hang_ends_with_all_that_hangs() {
        let (output, said) = with_a_background_process("wait", Duration::from_secs(1));
        assert!(output.unwrap_err().contains("still runs after 1s: a hang"));
        assert_eq!(said, "");
    }
}
