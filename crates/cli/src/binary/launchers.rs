//! Programs that mostly start other programs: scripts, and tools that one writes before a command. The doctor examines the
//! program that is named, and says that it does not know the others.

use super::Finding;
use crate::preload;
use std::ffi::OsStr;
use std::path::Path;

/// The interpreters of scripts that mostly start programs.
const SHELLS: &[&str] = &["sh", "ash", "bash", "dash", "fish", "ksh", "mksh", "zsh", "csh", "tcsh", "busybox"];
/// The tools that start the program that their arguments name.
const STARTERS: &[&str] = &[
    "chroot", "chrt", "doas", "env", "gdb", "ionice", "ltrace", "nice", "nohup", "numactl", "perf", "prlimit",
    "runuser", "setarch", "setpriv", "setsid", "stdbuf", "strace", "su", "sudo", "taskset", "time", "timeout",
    "unshare", "valgrind", "xargs",
];

/// Returns the finding that other programs than `program` matter. `script` is the script, if `program` is its interpreter.
pub fn find(program: &Path, script: Option<&str>) -> Option<Finding> {
    let is_one_of = |names: &[&str]| names.iter().any(|name| program.file_name() == Some(OsStr::new(name)));
    match script {
        Some(script) => is_one_of(SHELLS).then(|| of_script(script, program)),
        None if is_one_of(STARTERS) || is_one_of(SHELLS) => Some(Finding::note(
            "launcher",
            "It mostly starts other programs. Only it was examined, not the programs that it starts.",
            "Examine the program that it starts: xalloc doctor PROGRAM.",
        )),
        None => None,
    }
}

fn of_script(script: &str, shell: &Path) -> Finding {
    let variable = preload::variable();
    Finding::note(
        "script",
        format!(
            "{script} is a shell script. Only {}, which runs it, was looked at, not the programs that the script starts. They \
             inherit {variable}, unless the script changes it.",
            shell.display()
        ),
        "Examine the program that the script starts, or see what happens: xalloc doctor --run --bindings.",
    )
}
