//! What a program meets that `xalloc run` has started.

use super::{stderr, stdout, xalloc};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use xalloc_tests::{behind, skip};

fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the command starts")
}

fn run(arguments: &[&str]) -> Output {
    output(xalloc(&["run"]).args(arguments))
}

/// Returns whether the allocator is on this machine; says so if not.
fn is_there(name: &str) -> bool {
    let there = output(&mut xalloc(&["list", name])).status.success();
    if !there {
        skip(&format!("{name} is not installed"));
    }
    there
}

#[test]
fn the_library_is_in_the_process() {
    for (name, file) in [
        ("xalloc", "libxalloc.so"),
        ("jemalloc", "libjemalloc.so"),
        ("tcmalloc", "libtcmalloc"),
        ("mimalloc", "libmimalloc.so"),
        ("tbbmalloc", "libtbbmalloc_proxy.so"),
    ] {
        if is_there(name) {
            let maps = stdout(&run(&["-a", name, "--", "cat", "/proc/self/maps"]));
            assert!(maps.contains(file), "{name}: {maps}");
        }
    }
    let maps = stdout(&run(&["-a", "default", "--", "cat", "/proc/self/maps"]));
    assert!(maps.contains("libc.so") && !maps.contains("alloc"), "{maps}");
}

#[test]
fn exit_codes_and_signals_are_the_programs_own() {
    assert_eq!(run(&["--", "sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(run(&["--", "sh", "-c", "kill -TERM $$"]).status.signal(), Some(libc::SIGTERM));
    // The program is in the place of the command: what is sent to one reaches the other.
    let command = xalloc(&["run", "sleep", "100"]);
    let mut child = behind(&["env", "--default-signal"], &command).spawn().expect("the command starts");
    let name = format!("/proc/{}/comm", child.id());
    while std::fs::read_to_string(&name).expect("it lives").trim() != "sleep" {
        std::thread::yield_now();
    }
    // SAFETY: our own child, not waited for yet.
    unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
    assert_eq!(child.wait().expect("a child").signal(), Some(libc::SIGINT));
}

/// `Command` of Rust alone would neither ignore SIGPIPE nor block anything.
#[test]
fn signals_stay_ignored_and_blocked() {
    let started = |signals: &[&str]| {
        let command = xalloc(&["run", "--", "grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"]);
        stdout(&output(&mut behind(&[&["env", "--default-signal"], signals].concat(), &command)))
    };
    // The last eight digits: without the signals that the C library has for itself, which `env` does not set.
    let status = |text: &str| {
        let word = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
            u32::from_str_radix(&line[line.len() - 8..], 16).expect("a set") & 0x7fff_ffff
        };
        (word("SigBlk:"), word("SigIgn:"))
    };
    let bit = |signal: libc::c_int| 1 << (signal - 1);
    assert_eq!(status(&started(&[])), (0, 0));
    let text = started(&["--ignore-signal=PIPE", "--ignore-signal=HUP", "--block-signal=USR1"]);
    assert_eq!(status(&text), (bit(libc::SIGUSR1), bit(libc::SIGPIPE) | bit(libc::SIGHUP)));
}

#[test]
fn what_is_preloaded_already_stays_behind() {
    let mut command = xalloc(&["run", "--", "sh", "-c", "echo $LD_PRELOAD"]);
    let said = stdout(&output(command.env("LD_PRELOAD", "libm.so.6")));
    assert_eq!(said.trim(), format!("{}:libm.so.6", xalloc_tests::library().display()));
}

#[test]
fn options_join_what_the_environment_has() {
    let mut command =
        xalloc(&["run", "--set", "profile=lean", "-s", "verbose:false", "--", "sh", "-c", "echo $XALLOC_CONF"]);
    assert_eq!(stdout(&output(&mut command)).trim(), "profile:lean,verbose:false");
    let said = stdout(&output(command.env("XALLOC_CONF", "thp:never")));
    assert_eq!(said.trim(), "thp:never,profile:lean,verbose:false");
    let said = stdout(&output(command.env("XALLOC_CONF", "profile:lean,profile:speed")));
    assert_eq!(said.trim(), "profile:speed,profile:lean,verbose:false", "what is set now wins");
}

#[test]
fn what_env_prints_a_shell_understands() {
    if !is_there("jemalloc") {
        return;
    }
    let own = env!("CARGO_BIN_EXE_xalloc");
    let script = format!(
        "eval \"$({own} env jemalloc --set narenas=2)\"; cat /proc/$$/environ >/dev/null; echo $MALLOC_CONF; \
         cat /proc/self/maps | grep -c libjemalloc; eval \"$({own} env default)\"; echo \"left:$LD_PRELOAD\""
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).env_remove("LD_PRELOAD").env_remove("MALLOC_CONF");
    let said = stdout(&output(&mut command));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((lines[0], lines[2]), ("narenas:2", "left:"), "{said}");
    assert_ne!(lines[1], "0");
}

#[test]
fn the_way_back_leaves_no_options_and_what_is_not_an_allocators() {
    let said = |arguments: &[&str]| {
        let mut command = xalloc(arguments);
        command.env("XALLOC_CONF", "profile:lean").env("MALLOC_CONF", "narenas:2").env("MALLOC_ARENA_MAX", "2");
        stdout(&output(&mut command))
    };
    assert_eq!(said(&["env", "default"]), "unset MALLOC_CONF\nunset XALLOC_CONF\n");
    let set = ["env", "default", "--set", "arena_max=4"];
    assert_eq!(said(&set), "export MALLOC_ARENA_MAX=4\nunset MALLOC_CONF\nunset XALLOC_CONF\n");
    assert_eq!(
        said(&["run", "-a", "default", "sh", "-c", "echo $XALLOC_CONF $MALLOC_CONF"]),
        "profile:lean narenas:2\n"
    );
}

#[test]
fn the_proxy_counts_what_the_allocator_behind_it_serves() {
    for name in ["default", "jemalloc", "mimalloc"] {
        if name != "default" && !is_there(name) {
            continue;
        }
        let proxied = run(&["-a", name, "--method", "proxy", "--set", "stats:true", "--", "ls", "/"]);
        assert!(proxied.status.success(), "{name}: {proxied:?}");
        let said = stderr(&proxied);
        let handed_out = said.lines().find_map(|line| line.strip_prefix("xalloc: allocations:"));
        let count: u64 = handed_out.unwrap_or_else(|| panic!("{name}: {said}")).trim().parse().expect("a number");
        assert!(count > 10, "{name}: {said}");
    }
}

#[test]
fn a_program_that_cannot_run_under_it_is_started_only_by_force() {
    let program = super::program(&["-static"]);
    let program = program.to_str().expect("a path");
    assert_eq!(run(&[program]).status.code(), Some(4));
    assert_eq!(run(&["--force", program]).status.code(), Some(0));
    // Without a preload nothing is in the way.
    assert_eq!(run(&["-a", "default", program]).status.code(), Some(0));
}

/// What another allocator's `env` has left behind is not measured or run as the system's malloc.
#[test]
fn the_default_is_the_default_whatever_was_preloaded() {
    let library = xalloc_tests::library().display().to_string();
    let mut command =
        xalloc(&["run", "-a", "default", "--", "sh", "-c", "echo ${LD_PRELOAD-none} ${XALLOC_CONF-none}"]);
    command.env("LD_PRELOAD", &library).env("XALLOC_CONF", "heap:system");
    assert_eq!(stdout(&output(&mut command)).trim(), "none none");
    let mut command = xalloc(&["env"]);
    command.env("LD_PRELOAD", format!("/somewhere/libjemalloc.so.2:{library}:libm.so.6"));
    assert_eq!(stdout(&output(&mut command)).trim(), format!("export LD_PRELOAD={library}:libm.so.6"));
    command.env("XALLOC_CONF", "heap:system,thp:never");
    assert!(stdout(&output(&mut command)).contains("export XALLOC_CONF=thp:never\n"), "a proxy's setting is gone");
}

#[test]
fn a_full_disk_is_said_and_nothing_panics() {
    let commands: [(&str, &[&str]); 7] = [
        ("xalloc doctor", &["doctor", "true"]),
        ("xalloc list", &["list"]),
        ("xalloc list", &["list", "--json"]),
        ("xalloc env", &["env"]),
        ("xalloc layers", &["layers", "list"]),
        ("xalloc", &["--help"]),
        ("xalloc", &["run", "-h"]),
    ];
    for (name, arguments) in commands {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
        let output = xalloc(arguments).stdout(full).output().expect("the command starts");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        let said = stderr(&output);
        assert!(said.starts_with(&format!("{name}: cannot write the output: ")), "{arguments:?}: {said}");
    }
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let status = xalloc(&["run", "-v", "--", "sh", "-c", "exit 7"]).stderr(full).status().expect("the command starts");
    assert_eq!(status.code(), Some(7), "a message that is lost keeps no program from running");
}

/// Rust alone would open /dev/null in the place of what is closed.
#[test]
fn what_is_closed_stays_closed() {
    let closed = |redirection: &str, arguments: &[&str]| {
        let script = format!("exec \"$@\" {redirection}");
        let mut command = xalloc_tests::behind(&["sh", "-c", &script, "sh"], &xalloc(arguments));
        command.env("LC_ALL", "C").output().expect("the command starts")
    };
    for arguments in [&["run", "cat"][..], &["doctor", "--run", "cat"]] {
        let output = closed("<&-", arguments);
        assert!(stderr(&output).contains("Bad file descriptor"), "{arguments:?}: {output:?}");
    }
    assert_eq!(closed("<&-", &["run", "cat"]).status.code(), Some(1));
    assert_eq!(closed(">&-", &["run", "cat", "/proc/self/stat"]).status.code(), Some(1));
    assert_eq!(closed("<&- >&- 2>&-", &["run", "true"]).status.code(), Some(0));
    for (name, arguments) in [("xalloc list", &["list"][..]), ("xalloc", &["--help"])] {
        let output = closed(">&-", arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = stderr(&output);
        assert!(said.starts_with(&format!("{name}: cannot write the output: ")), "{arguments:?}: {said}");
    }
}

/// A loader is a program; a stranger's is not run by those who only want to know.
#[test]
fn a_loader_that_is_not_the_systems_is_not_run() {
    let place = super::directory("loader");
    let (loader, trace) = (place.join("loader"), place.join("it-ran"));
    std::fs::write(&loader, format!("#!/bin/sh\ntouch {}\n", trace.display())).expect("written");
    std::fs::set_permissions(&loader, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("ours");
    let detour = format!("-Wl,--dynamic-linker=/lib/../{}", loader.display());
    let program = super::program(&[&detour]);
    output(xalloc(&["doctor"]).arg(&program));
    assert!(!trace.exists(), "doctor has run {}", loader.display());
}
