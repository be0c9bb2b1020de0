//! Checks whether a program really runs with a library. Reads the program's memory map at the moment when it ends, so that no
//! program is too short for it, and a program that other programs started by `exec` is seen as well.

use super::process::{Process, look};
use anyhow::{Context, Result, bail};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Makes the program stop when it begins and when it ends, for [`follow`].
pub fn prepare(command: &mut Command) {
    // SAFETY: ptrace is a system call and nothing else, as the moment between fork and exec demands.
    unsafe {
        command.pre_exec(|| {
            // If that is not permitted, the program never stops, and `follow` reports it.
            libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
            Ok(())
        });
    }
}

/// Lets the program run to its end, and returns whether `library` was mapped then. The process must still be waited for.
///
/// The calling thread must have started it, with [`start_to_follow`](super::process::start_to_follow).
///
/// # Errors
/// The kernel does not let it be followed.
pub fn follow(process: &Process, library: &Path) -> Result<bool> {
    let (id, mut is_first, mut is_mapped) = (process.id(), true, false);
    while let Some(stop) = next_stop(id)? {
        let mut signal = 0;
        match stop >> 8 {
            libc::PTRACE_EVENT_EXIT => is_mapped = maps(id, library) == Some(true),
            0 if is_first => set_options(id)?,
            0 => signal = stop,
            _ => {}
        }
        is_first = false;
        // SAFETY: no memory of ours is involved. A failure means that it was killed meanwhile, which the next round sees.
        unsafe { libc::ptrace(libc::PTRACE_CONT, id, 0, signal) };
    }
    if is_first {
        bail!(
            "programs may not be followed here (ptrace), so it cannot be told whether {} is loaded",
            library.display()
        );
    }
    Ok(is_mapped)
}

/// Waits until the process stops, and returns the reason: a signal, or an event in the upper bits. `None` if it has ended.
fn next_stop(id: libc::pid_t) -> Result<Option<i32>> {
    let information = look(id, libc::WEXITED | libc::WSTOPPED).context("cannot follow the program")?;
    let is_over = matches!(information.si_code, libc::CLD_EXITED | libc::CLD_KILLED | libc::CLD_DUMPED);
    // SAFETY: what waitid fills in has a status.
    Ok((!is_over).then(|| unsafe { information.si_status() }))
}

fn set_options(id: libc::pid_t) -> Result<()> {
    let options = libc::PTRACE_O_TRACEEXIT | libc::PTRACE_O_TRACEEXEC | libc::PTRACE_O_EXITKILL;
    // SAFETY: no memory of ours is involved.
    if unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, id, 0, options) } != 0 {
        bail!("cannot follow the program: {}", io::Error::last_os_error());
    }
    Ok(())
}

/// Returns whether a file is mapped into a process that is running or stopped; `None` if it has ended. `library` must be a path
/// without symbolic links.
pub fn maps(id: libc::pid_t, library: &Path) -> Option<bool> {
    let library = library.as_os_str().as_bytes();
    let maps = std::fs::read(format!("/proc/{id}/maps")).ok().filter(|maps| !maps.is_empty())?;
    let is_library = |line: &[u8]| {
        let path = line.iter().position(|&byte| byte == b'/');
        path.is_some_and(|path| &line[path..] == library)
    };
    Some(maps.split(|&byte| byte == b'\n').any(is_library))
}

#[cfg(test)]
mod tests {
    use super::super::process::{Output, start_to_follow};
    use super::*;
    use std::ffi::OsStr;

    fn follows(program: &[&str], library: &Path) -> (bool, Option<i32>) {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).env("LD_PRELOAD", library);
        prepare(&mut command);
        let process = start_to_follow(command, Output::Discard, None).unwrap();
        let is_mapped = follow(&process, library).unwrap();
        (is_mapped, process.wait().unwrap().status.unwrap().code())
    }

    #[test]
    fn sees_a_library_in_the_shortest_program_and_through_exec_and_signals() {
        let directory = xalloc_tests::preloadable();
        let directory = directory.path().canonicalize().unwrap();
        // A path need not be text.
        let (source, library) = (directory.join("empty.c"), directory.join(OsStr::from_bytes(b"empty\xff.so")));
        std::fs::write(&source, "int nothing;").unwrap();
        let cc = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
        assert!(cc.unwrap().success());
        assert_eq!(follows(&["true"], &library), (true, Some(0)));
        assert_eq!(follows(&["sh", "-c", "exec false"], &library), (true, Some(1)));
        assert_eq!(follows(&["sh", "-c", "trap 'exit 7' USR1; kill -USR1 $$; exit 1"], &library), (true, Some(7)));
        assert_eq!(follows(&["env", "-u", "LD_PRELOAD", "true"], &library), (false, Some(0)));
        assert_eq!(follows(&["sh", "-c", "kill -SEGV $$"], &library), (true, None));
    }

    #[test]
    fn tells_a_process_that_is_over_from_one_without_the_library() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let program = std::env::current_exe().unwrap();
        assert_eq!(maps(std::process::id() as libc::pid_t, &program), Some(true));
        // Only the end of the path is the same.
        let end = Path::new("/").join(program.file_name().unwrap());
        assert_eq!(maps(std::process::id() as libc::pid_t, &end), Some(false));
        child.kill().unwrap();
        look(child.id() as libc::pid_t, libc::WEXITED).unwrap();
        assert_eq!(maps(child.id() as libc::pid_t, &program), None);
        child.wait().unwrap();
    }
}
