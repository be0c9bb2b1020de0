//! What the tests of the finished library share: where the library is, how a C fixture is compiled, how a program is
//! run with and without the library, and what a program that hangs looks like.
//!
//! The tests see libxalloc only as its users do: through the dynamic linker and `XALLOC_CONF`.

mod building;
pub mod exports;
pub mod heaps;
mod places;
pub mod promises;
pub mod rows;
mod run;
mod scratch;
pub mod third_party;

pub use building::built;
pub use places::{checkout, target};
pub use run::{run, stop_and_continue, succeed, tail, wait_until};
pub use scratch::{preloadable, scratch};

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Returns the library that is tested: the release build of the one of [`heaps::chosen`], made on first use so that `cargo test` alone
/// never tests a stale library.
///
/// `XALLOC_LIB` names another file to test instead (a cross build, an installed copy), seen from the checkout.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| match std::env::var_os("XALLOC_LIB") {
        Some(path) => checkout().join(path),
        None => heaps::chosen().library(),
    })
}

/// Compiles `tests/fixtures/<source>`, or the file at an absolute path (C or C++ by its extension), with `flags` and returns
/// the executable (or the shared object, if the flags say so). Each call makes a file of its own in [`scratch`].
///
/// `XALLOC_TEST_COMPILERS` is what stands before `gcc` and `g++` in the names of another machine's compilers; what they make
/// needs `XALLOC_TEST_EMULATOR`.
pub fn fixture(source: &str, flags: &[&str]) -> PathBuf {
    static SERIAL: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    // Relaxed: the number only has to be unique, it orders nothing.
    let serial = SERIAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = checkout().join("tests/fixtures").join(source);
    let stem = path.file_stem().and_then(OsStr::to_str).expect("a fixture has a name");
    let output = scratch().join(format!("{stem}-{serial}"));
    // Not by the crate `cc`, which makes archives for build scripts. Here it would only name the compiler, after two runs of
    // it, and would have to be told the target, the host and the optimisation level, which cargo tells build scripts only.
    let compiler = match (path.extension() == Some(OsStr::new("c")), std::env::var("XALLOC_TEST_COMPILERS")) {
        (true, Err(_)) => "cc".to_owned(),
        (false, Err(_)) => "c++".to_owned(),
        (true, Ok(prefix)) => prefix + "gcc",
        (false, Ok(prefix)) => prefix + "g++",
    };
    let status = Command::new(&compiler)
        .args(["-O1", "-g", "-Wall", "-Wno-use-after-free", "-fno-builtin", "-pthread", "-o"])
        .arg(&output)
        .arg(&path)
        .args(flags)
        .args(["-ldl"])
        .status()
        .unwrap_or_else(|error| panic!("{compiler} does not start ({error}): install gcc and g++"));
    assert!(status.success(), "{compiler} failed on {}", path.display());
    output
}

/// Copies a program that is to be executed. `cp` does it: what this process has open for writing, a process that another
/// test starts at that moment has open too, and such a file cannot be executed.
pub fn copy(program: impl AsRef<OsStr>, to: &Path) {
    let status = Command::new("cp").arg(program).arg(to).status().expect("cp starts");
    assert!(status.success(), "cannot be copied to {}", to.display());
}

/// `program`, to be run on the library and the heap that is tested, with `conf` added to `XALLOC_CONF` (`""` for nothing).
pub fn preloaded(program: impl AsRef<OsStr>, conf: &str) -> Command {
    let mut command = match emulator() {
        None => Command::new(program),
        Some(mut emulator) => {
            let mut preload = std::ffi::OsString::from("LD_PRELOAD=");
            preload.push(library());
            emulator.arg("-E").arg(preload).arg(program);
            emulator
        }
    };
    clean(&mut command);
    if emulator().is_none() {
        command.env("LD_PRELOAD", library());
    }
    configure(&mut command, conf);
    command
}

/// Has the library take the heap that is tested, and `conf`, where `command` comes to it otherwise than by [`preloaded`].
pub fn configure(command: &mut Command, conf: &str) {
    let conf = heaps::chosen().configuration(conf);
    if !conf.is_empty() {
        command.env("XALLOC_CONF", conf);
    }
}

/// `program`, to be run on the system's malloc whatever the caller's environment says.
pub fn plain(program: impl AsRef<OsStr>) -> Command {
    let mut command = match emulator() {
        None => Command::new(program),
        Some(mut emulator) => {
            emulator.arg(program);
            emulator
        }
    };
    clean(&mut command);
    command
}

fn clean(command: &mut Command) {
    command.env_remove("LD_PRELOAD").env_remove("XALLOC_CONF").stdin(Stdio::null());
}

/// `command`, started by `starter` (a program and its arguments), which becomes it: `env --default-signal`, for a test that
/// interrupts it, because what is started in the background of a script ignores interrupts; `strace`.
pub fn behind(starter: &[&str], command: &Command) -> Command {
    let (program, arguments) = starter.split_first().expect("a program");
    let mut behind = Command::new(program);
    behind.args(arguments).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => behind.env(name, value),
            None => behind.env_remove(name),
        };
    }
    behind
}

/// What runs the programs of another machine: `XALLOC_TEST_EMULATOR`, a command of several words such as
/// `qemu-aarch64 -L /usr/aarch64-linux-gnu`, whose option `-E` sets a variable for the program and not for itself.
pub fn emulator() -> Option<Command> {
    let words = std::env::var("XALLOC_TEST_EMULATOR").ok()?;
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next()?);
    command.args(words);
    Some(command)
}

/// Says why a test does nothing here, on the real standard error: the harness keeps what a test that passes prints.
pub fn skip(why: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "skipped: {why}").expect("standard error is open");
}

/// Returns whether `program` is installed. If not, says that the test does nothing: for the beginning of one that needs it.
pub fn has(program: &str) -> bool {
    let found = installed(program);
    if !found {
        skip(&format!("{program} is not installed"));
    }
    found
}

/// Returns whether `program` is on the `PATH`.
pub fn installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
