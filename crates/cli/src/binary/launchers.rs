//! Programs that are there to start others: scripts, and the tools that one puts before a command. The doctor looks at the one
//! that is named, and says that it does not know the others.

use super::Finding;
use crate::preload;
use std::ffi::OsStr;
use std::path::Path;

/// What runs scripts that mostly start programs.
const SHELLS: &[&str] = &["sh", "ash", "bash", "dash", "fish", "ksh", "mksh", "zsh", "csh", "tcsh", "busybox"];
/// What starts the program that its arguments name.
const STARTERS: &[&str] = &[
    "chroot", "chrt", "doas", "env", "gdb", "ionice", "ltrace", "nice", "nohup", "numactl", "perf", "prlimit",
    "runuser", "setarch", "setpriv", "setsid", "stdbuf", "strace", "su", "sudo", "taskset", "time", "timeout",
    "unshare", "valgrind", "xargs",
];

/// That other programs than `program` matter, which is the interpreter of `script` if there is one.
pub fn find(program: &Path, script: Option<&str>) -> Option<Finding> {
    let is_one_of = |names: &[&str]| names.iter().any(|name| program.file_name() == Some(OsStr::new(name)));
    match script {
        Some(script) => is_one_of(SHELLS).then(|| of_script(script, program)),
        None if is_one_of(STARTERS) || is_one_of(SHELLS) => Some(Finding::note(
            "launcher",
            "It is there to start other programs; only itself was looked at, not what it starts.",
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
