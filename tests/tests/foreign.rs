//! Blocks that another allocator of the process made: freed, resized and measured as if nothing were special. And modules and
//! handles that would have another allocator, but for us.

use libtest_mimic::{Arguments, Failed, Trial};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use xalloc_tests::{checkout, fixture, has, library, preloaded, promises, run, skip, succeed, tail};

const LIMIT: Duration = Duration::from_secs(60);
const SIGABRT: i32 = 6;

fn main() {
    let arguments = Arguments::from_args();
    let kept = |promise: String| {
        let mut command = promises::on_xalloc(&promise, "");
        Trial::test(promise, move || quietly(&mut command).map(drop))
    };
    let mut trials: Vec<_> = promises::of_group("foreign").into_iter().map(kept).collect();
    trials.push(Trial::test("deepbind_in_several_threads", deepbind_in_several_threads));
    handles(&mut trials);
    blind(&mut trials);
    second_allocator(&mut trials);
    libtest_mimic::run(&arguments, trials).exit();
}

/// Runs the command, which must say nothing on stderr.
fn quietly(command: &mut Command) -> Result<Output, Failed> {
    let output = succeed(command, LIMIT)?;
    if output.stderr.is_empty() { Ok(output) } else { Err(tail(&output).into()) }
}

/// The module whose malloc is libc's.
fn module() -> PathBuf {
    let source = checkout().join("crates/check/promises/foreign_module.c");
    fixture(source.to_str().expect("a path in UTF-8"), &["-shared", "-fPIC"])
}

/// Each run is the first time for its process.
fn deepbind_in_several_threads() -> Result<(), Failed> {
    let module = module();
    let program = fixture("deep_bind.cpp", &["-rdynamic"]);
    for _ in 0..50 {
        succeed(preloaded(&program, "").arg(&module), LIMIT)?;
    }
    Ok(())
}

/// Libc's functions, from a handle: the library's, unless it is not the program's malloc or must not write to libc's table.
fn handles(trials: &mut Vec<Trial>) {
    let program: &'static Path = Box::leak(fixture("libc_handle.c", &[]).into_boxed_path());
    for how in ["libc", "loaded", "dependency", "dlmopen"] {
        let test = move || quietly(preloaded(program, "").args([how, "program"])).map(drop);
        trials.push(Trial::test(format!("handle/{how}"), test));
    }
    let fixed: &'static Path = Box::leak(fixture("libc_handle.c", &["-no-pie", "-fno-pie"]).into_boxed_path());
    trials.push(Trial::test("handle/in_a_program_with_fixed_addresses", move || {
        quietly(preloaded(fixed, "").args(["libc", "program"])).map(drop)
    }));
    trials.push(Trial::test("handle/heap_system_leaves_libc_alone", move || {
        quietly(preloaded(program, "heap:system").args(["libc", "libc"])).map(drop)
    }));
    trials.push(Trial::test("handle/another_malloc_before_ours_leaves_libc_alone", move || {
        let mut both = second(&["-DFORWARDS"]).into_os_string();
        both.push(":");
        both.push(library());
        quietly(preloaded(program, "").env("LD_PRELOAD", both).args(["libc", "libc"])).map(drop)
    }));
    trials.push(Trial::test("handle/mprotect_refused", move || {
        quietly(preloaded(program, "").args(["loaded", "libc", "no_mprotect"])).map(drop)
    }));
    trials.push(Trial::test("handle/python_ctypes", python_ctypes));
}

/// Blocks that one handle's malloc makes and another one's free takes, in all four ways.
fn python_ctypes() -> Result<(), Failed> {
    const SCRIPT: &str = "
import ctypes
handles = [ctypes.CDLL('libc.so.6'), ctypes.CDLL(None)]
for handle in handles:
    handle.malloc.restype = ctypes.c_void_p
    handle.malloc.argtypes = [ctypes.c_size_t]
    handle.free.restype = None
    handle.free.argtypes = [ctypes.c_void_p]
for maker in handles:
    for other in handles:
        for size in [1, 100, 10000, 1 << 20, 1 << 24]:
            for _ in range(100):
                other.free(maker.malloc(size))
print('ok')
";
    // Debian's has fixed addresses; the one on the PATH may be another.
    for python in ["python3", "/usr/bin/python3"].into_iter().filter(|python| has(python)) {
        quietly(preloaded(python, "").args(["-c", SCRIPT]))?;
    }
    Ok(())
}

/// Libc's blocks in a process in which nothing can be read about them.
fn blind(trials: &mut Vec<Trial>) {
    let program: &'static Path = Box::leak(fixture("blind.c", &[]).into_boxed_path());
    let module: &'static Path = Box::leak(module().into_boxed_path());
    for how in ["chroot", "descriptors", "filter"] {
        trials.push(Trial::test(format!("blind/{how}"), move || {
            let output = quietly(preloaded(program, "").arg(how).arg(module))?;
            skip_if_told(&output);
            Ok(())
        }));
    }
    for how in ["chroot", "descriptors"] {
        trials.push(Trial::test(format!("blind/{how}_and_no_block"), move || {
            let output = run(preloaded(program, "").arg(how).arg(module).arg("stack"), LIMIT)?;
            if skip_if_told(&output) {
                Ok(())
            } else {
                blames(&output, "free()", "not a block of this heap, nor of libc's")
            }
        }));
    }
}

/// Returns whether the fixture could not do what it is for.
fn skip_if_told(output: &Output) -> bool {
    let is_told = output.stdout == b"skip\n";
    if is_told {
        skip("no right to call chroot, nor to make a name space of users");
    }
    is_told
}

/// The second allocator, as a library; `flags` say what it lacks.
fn second(flags: &[&str]) -> PathBuf {
    fixture("second.c", &[&["-shared", "-fPIC", "-fvisibility=hidden"], flags].concat())
}

/// A program that is linked with a second allocator.
fn second_allocator(trials: &mut Vec<Trial>) {
    let mut add =
        |name: &str, lacks: &'static [&'static str], what: &'static str, expected: Option<(&'static str, String)>| {
            trials.push(Trial::test(format!("second/{name}"), move || {
                let library = second(lacks);
                let path = library.to_str().expect("a path in UTF-8");
                let program = fixture("second_user.c", &[path]);
                let mut command = preloaded(program, "");
                command.arg(what);
                match &expected {
                    None => quietly(&mut command).map(drop),
                    Some((call, reason)) => blames(&run(&mut command, LIMIT)?, call, &reason.replace("LIBRARY", path)),
                }
            }));
        };
    let nor = |place: &str| format!("{place}; nor is it a block of LIBRARY, which has a free() of its own");
    let of_nobody = "not a block of this heap, nor of libc's";
    add("frees", &[], "free", None);
    add("resizes", &[], "realloc", None);
    add("moves_what_it_does_not_resize", &["-DWITHOUT_REALLOC"], "move", None);
    add("frees_what_it_does_not_measure", &["-DWITHOUT_REALLOC", "-DWITHOUT_USABLE_SIZE"], "free", None);
    add("does_not_measure", &["-DWITHOUT_REALLOC", "-DWITHOUT_USABLE_SIZE"], "no_size", None);
    let cannot = "its allocator cannot resize it, nor say its size".to_owned();
    let lacks = &["-DWITHOUT_REALLOC", "-DWITHOUT_USABLE_SIZE"];
    add("neither_resizes_nor_measures", lacks, "realloc_block", Some(("realloc()", cannot)));
    add("has_no_free", &["-DWITHOUT_FREE"], "free_block", Some(("free()", of_nobody.to_owned())));
    add("stack", &[], "stack", Some(("free()", nor("on the stack"))));
    add("unmapped", &[], "unmapped", Some(("free()", nor("no memory is mapped there"))));
    add("forwards_to_libc", &["-DFORWARDS"], "forwarded", Some(("free()", nor(of_nobody))));
}

/// Demands SIGABRT, and one line on stderr for this call, the pointer that the fixture announced, and this reason.
fn blames(output: &Output, call: &str, reason: &str) -> Result<(), Failed> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let expected = format!("xalloc: {call}: {}: {reason}\n", stdout.lines().next().unwrap_or_default());
    if output.status.signal() != Some(SIGABRT) || output.stderr != expected.as_bytes() {
        return Err(format!("expected SIGABRT and\n{expected}there is {} and\n{}", output.status, tail(output)).into());
    }
    Ok(())
}
