//! Finds the file that the kernel executes for what a user types: `PATH`, `#!`, `/usr/bin/env`.

use super::Finding;
use super::env::Env;
use super::launchers;
use rustix::fs::Access;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How many interpreters of interpreters Linux follows.
const DEEPEST: usize = 5;
/// How many bytes of a `#!` line Linux reads.
const LONGEST: usize = 256;
/// The program by which `execvp` runs a text without `#!`.
const SHELL: &[u8] = b"/bin/sh";
/// The directories in which `execvp` looks if there is no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The reason why a program cannot be examined.
#[derive(Debug, thiserror::Error)]
pub enum Unexaminable {
    /// There is no such program.
    #[error("{0}: there is no such program{hint}", hint = file_here(.0))]
    NotFound(String),
    /// The interpreter of a script is missing.
    #[error("{script}: there is no {interpreter}, which its first line asks for")]
    NoInterpreter {
        /// The script.
        script: String,
        /// The interpreter that the script names.
        interpreter: String,
    },
    /// The file is a directory.
    #[error("{0} is a directory; name a program in it")]
    Directory(String),
    /// The user may not execute the file.
    #[error("{0} may not be executed: it is no program, or lacks the permission (chmod +x {0})")]
    NotExecutable(String),
    /// The file is not a program, or is damaged.
    #[error("{0}")]
    NoProgram(String),
    /// The kernel may read the file, but the user may not.
    #[error("{0}")]
    Unreadable(String),
}

impl Unexaminable {
    /// Returns the exit code of a command for this reason: 127 if something is missing, otherwise 126.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound(_) | Self::NoInterpreter { .. } => crate::exit::NO_PROGRAM,
            Self::Directory(_) | Self::NotExecutable(_) | Self::NoProgram(_) | Self::Unreadable(_) => {
                crate::exit::NOT_EXECUTABLE
            }
        }
    }

    /// Returns whether the kernel may nevertheless execute the file.
    pub fn may_run(&self) -> bool {
        match self {
            Self::Unreadable(_) => true,
            Self::NoProgram(_) => kernel_knows_other_formats(),
            Self::NotFound(_) | Self::NoInterpreter { .. } | Self::Directory(_) | Self::NotExecutable(_) => false,
        }
    }
}

/// Returns how to write a file of the working directory. Without a slash it would be looked for in the PATH.
fn file_here(name: &str) -> String {
    if Path::new(name).is_file() { format!("; for the file of this name, write ./{name}") } else { String::new() }
}

/// Returns the program's file, and for a script its interpreters up to the one that is not a script; and the findings about
/// them.
pub fn chain(program: &OsStr) -> Result<(Vec<PathBuf>, Vec<Finding>), Unexaminable> {
    let (mut chain, mut findings) = (vec![find(program)?], Vec::new());
    let (mut scripts, mut last_script) = (0, None);
    while let Some(line) = first_line(chain.last().expect("it is not empty"))? {
        scripts += 1;
        if scripts > DEEPEST {
            return Err(Unexaminable::NoProgram(format!("{}: its interpreters are all scripts", chain[0].display())));
        }
        let script = chain.last().expect("it is not empty").display().to_string();
        last_script = Some(script.clone());
        let missing = |interpreter: String| Unexaminable::NoInterpreter { script: script.clone(), interpreter };
        let (interpreter, argument) = split(&line);
        // The kernel does not look for it in the PATH, but from the working directory on.
        chain.push(find(Path::new(".").join(interpreter).as_os_str()).map_err(|_| missing(in_words(interpreter)))?);
        if let Some(env) = Env::of(interpreter, argument) {
            findings.extend(env.finding(&script));
            match find(&env.program) {
                Ok(program) => chain.push(program),
                // If it is not found, it may be where env looks; then env itself is examined.
                Err(_) if env.looks_elsewhere => {}
                Err(_) => return Err(missing(readable(&env.program))),
            }
        }
    }
    findings.extend(launchers::find(chain.last().expect("it is not empty"), last_script.as_deref()));
    Ok((chain, findings))
}

/// Returns whether the kernel knows other formats than its own (binfmt_misc): Java archives, programs of other machines.
fn kernel_knows_other_formats() -> bool {
    let Ok(entries) = std::fs::read_dir("/proc/sys/fs/binfmt_misc") else { return false };
    entries.flatten().any(|entry| !matches!(entry.file_name().to_str(), Some("register" | "status")))
}

/// Returns the words for what the kernel does not find.
fn in_words(interpreter: &OsStr) -> String {
    let is_path = interpreter.as_bytes().contains(&b'/');
    let place = if is_path { "" } else { " in the working directory (without a slash it is not looked up in PATH)" };
    readable(interpreter) + place
}

/// Returns a readable name for a message: an editor of another system may have left invisible characters.
fn readable(interpreter: &OsStr) -> String {
    match interpreter.to_string_lossy().strip_suffix('\r') {
        Some(name) => format!("{name}\\r (the file has another system's line ends: dos2unix converts it)"),
        None => interpreter.to_string_lossy().into_owned(),
    }
}

/// Returns the file that `execvp` would execute.
fn find(program: &OsStr) -> Result<PathBuf, Unexaminable> {
    let display = || program.to_string_lossy().into_owned();
    let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    let candidates: Vec<PathBuf> = if program.as_bytes().contains(&b'/') {
        vec![program.into()]
    } else {
        // An empty part is the working directory, and is joined as such.
        std::env::split_paths(&path).map(|directory| directory.join(program)).collect()
    };
    let there: Vec<&PathBuf> = candidates.iter().filter(|file| !program.is_empty() && file.exists()).collect();
    let executable = |file: &&&PathBuf| file.is_file() && rustix::fs::access(file.as_path(), Access::EXEC_OK).is_ok();
    match there.iter().find(executable) {
        Some(file) => Ok(file.to_path_buf()),
        None if there.is_empty() => Err(Unexaminable::NotFound(display())),
        None if there[0].is_dir() => Err(Unexaminable::Directory(there[0].display().to_string())),
        None => Err(Unexaminable::NotExecutable(there[0].display().to_string())),
    }
}

/// Returns the text after `#!`, if the file begins with it. Other text is run by the shell: `execvp` passes it on when the
/// kernel refuses it.
fn first_line(file: &Path) -> Result<Option<Vec<u8>>, Unexaminable> {
    let mut beginning = Vec::new();
    std::fs::File::open(file)
        .and_then(|file| file.take(LONGEST as u64).read_to_end(&mut beginning))
        .map_err(|error| Unexaminable::Unreadable(format!("{} cannot be read: {error}", file.display())))?;
    let line = beginning.split(|&byte| byte == b'\n').next().unwrap_or_default();
    // Returned even if nothing follows.
    let is_text = !beginning.contains(&0);
    // Without an interpreter's name the shell runs it, like any text that the kernel does not execute.
    Ok(match line.strip_prefix(b"#!").map(trim_blanks) {
        Some(rest) if !rest.is_empty() => Some(rest.to_owned()),
        _ => is_text.then(|| SHELL.to_vec()),
    })
}

/// Removes the blanks that the kernel removes at both ends. A carriage return is a part of the interpreter's name.
fn trim_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Returns the interpreter and its one argument, as Linux splits them.
fn split(line: &[u8]) -> (&OsStr, &[u8]) {
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    (OsStr::from_bytes(&line[..end]), trim_blanks(&line[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_the_kernel_does() {
        assert_eq!(split(b"/bin/sh"), (OsStr::new("/bin/sh"), &b""[..]));
        assert_eq!(split(b"/bin/awk -f  x "), (OsStr::new("/bin/awk"), &b"-f  x"[..]));
        assert_eq!(split(trim_blanks(b" /bin/sh\r")), (OsStr::new("/bin/sh\r"), &b""[..]));
    }
}
