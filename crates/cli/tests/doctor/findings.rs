//! Each kind of program gets its own finding, and none of the others.

use super::fixtures::{compiled, doctor, finds, found, json, plain, with};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use xalloc_tests::{installed, preloadable, skip};

/// Nobody's number, on every system.
const NOBODY: u32 = 65534;

fn superuser() -> bool {
    rustix::process::getuid().is_root()
}

#[test]
fn dynamic() {
    finds(&plain(), &[]);
    finds(&with("program.c", &["-no-pie", "-s"]), &[]);
    finds(&with("program.c", &["-fsanitize=undefined"]), &[]);
}

#[test]
fn static_programs() {
    finds(&with("program.c", &["-static"]), &["obstacle static"]);
    finds(&with("program.c", &["-static-pie"]), &["obstacle static-pie"]);
    finds(&with("program.c", &["-static", "-s"]), &["obstacle static"]);
    finds(&with("program.c", &["-static-pie", "-s"]), &["obstacle static-pie"]);
}

#[test]
fn sanitizers() {
    finds(&with("program.c", &["-fsanitize=address"]), &["obstacle address-sanitizer"]);
    finds(&with("program.c", &["-fsanitize=address", "-static-libasan"]), &["obstacle address-sanitizer"]);
    finds(&with("program.c", &["-fsanitize=thread"]), &["obstacle thread-sanitizer"]);
    finds(&with("program.c", &["-fsanitize=leak"]), &["obstacle leak-sanitizer"]);
    // gcc has no MemorySanitizer; its run-time library is always linked statically and has this function.
    finds(&with("defines.c", &["-DNAME=__msan_init"]), &["obstacle memory-sanitizer"]);
}

#[test]
fn allocators_linked_in() {
    finds(&with("own_malloc.c", &["-DVISIBILITY=\"default\""]), &["obstacle own-allocator"]);
    finds(&with("own_malloc.c", &["-DVISIBILITY=\"hidden\""]), &["warning hidden-allocator"]);
    finds(&with("defines.c", &["-DNAME=_rjem_malloc"]), &["note private-allocator"]);
    finds(&with("defines.c", &["-DNAME=mi_malloc"]), &["note private-allocator"]);
}

#[test]
fn jemalloc() {
    let jemalloc = ["-l:libjemalloc.a", "-lm", "-lstdc++"];
    let there = Command::new("cc").arg("-print-file-name=libjemalloc.a").output().expect("cc starts");
    if !Path::new(String::from_utf8_lossy(&there.stdout).trim()).is_absolute() {
        return skip("libjemalloc.a is missing (libjemalloc-dev)");
    }
    finds(&with("program.c", &jemalloc), &["obstacle own-allocator"]);
    let hidden = [&jemalloc[..], &["-Wl,--exclude-libs,ALL"]].concat();
    finds(&with("program.c", &hidden), &["warning hidden-allocator"]);
    let stripped = [&hidden[..], &["-s"]].concat();
    finds(&with("program.c", &stripped), &["note allocator-traces"]);
    finds(&with("program.c", &["-Wl,--no-as-needed", "-ljemalloc"]), &["note needed-allocator"]);
}

#[test]
fn other_machines() {
    if cfg!(target_arch = "aarch64") || !installed("aarch64-linux-gnu-gcc") {
        return skip("needs aarch64-linux-gnu-gcc (gcc-aarch64-linux-gnu) on another machine than that");
    }
    finds(&compiled("aarch64-linux-gnu-gcc", "program.c", &[]), &["obstacle foreign-machine"]);
}

#[test]
fn musl() {
    if !installed("musl-gcc") {
        return skip("musl-gcc is missing (musl-tools)");
    }
    finds(&compiled("musl-gcc", "program.c", &[]), &["obstacle musl"]);
    finds(&compiled("musl-gcc", "program.c", &["-static"]), &["obstacle static"]);
}

/// Whatever is in a file, the doctor ends with a code of its own, and does not panic (101).
#[test]
fn damaged_files() {
    let program = plain();
    let bytes = fs::read(&program).expect("it was just built");
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    for round in 0..200 {
        let mut damaged = bytes.clone();
        // Headers stand at both ends.
        for _ in 0..4 {
            let place = next(1024);
            let place = if round % 2 == 0 { place } else { damaged.len() - 1 - place };
            damaged[place] = next(256) as u8;
        }
        damaged.truncate(if round % 3 == 0 { next(bytes.len()) } else { bytes.len() });
        fs::write(&program, &damaged).expect("one's own file");
        let output = doctor(&["--json"]).arg(&program).output().expect("the doctor starts");
        assert!(matches!(output.status.code(), Some(0 | 1 | 126 | 127)), "round {round}: {output:?}");
    }
}

#[test]
fn go() {
    let [program, section] = [plain(), plain()];
    fs::write(&section, "Go").expect("a file");
    let add = format!(".go.buildinfo={}", section.display());
    let status = Command::new("objcopy").args(["--add-section", &add]).arg(&program).status().expect("objcopy starts");
    assert!(status.success());
    finds(&program, &["note go"]);
}

#[test]
fn what_does_not_start() {
    finds(&with("program.c", &["-Wl,--dynamic-linker=/none/ld.so"]), &["obstacle missing-loader"]);
    let library = with("module.c", &["-shared", "-fPIC", "-Wl,-soname,libmissing.so.1"]);
    let flags = ["-Wl,--no-as-needed", library.to_str().expect("a name")];
    finds(&with("program.c", &flags), &["obstacle missing-library"]);
    finds(&library, &["obstacle library"]);
}

#[test]
fn set_uid() {
    let program = plain();
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).expect("one's own file");
    finds(&program, &["note set-uid"]);
    if !superuser() {
        return skip("only the superuser can make a program of another user");
    }
    // Changing the owner takes the bit away.
    std::os::unix::fs::chown(&program, Some(NOBODY), None).expect("the superuser may");
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).expect("the superuser may");
    finds(&program, &["obstacle set-uid"]);
    std::os::unix::fs::chown(&program, Some(0), Some(NOBODY)).expect("the superuser may");
    fs::set_permissions(&program, Permissions::from_mode(0o2755)).expect("the superuser may");
    finds(&program, &["obstacle set-gid"]);
}

/// The finding is right: the loader itself does as it says.
#[test]
fn set_uid_is_what_the_loader_says() {
    if !superuser() {
        return skip("only the superuser can make a program of another user");
    }
    let program = plain();
    let preloaded = |program: &PathBuf| {
        let mut command = Command::new(program);
        command.env("LD_PRELOAD", xalloc_tests::library()).env("XALLOC_CONF", "verbose:true");
        let output = command.output().expect("it starts");
        String::from_utf8_lossy(&output.stderr).contains("xalloc")
    };
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).expect("one's own file");
    assert!(preloaded(&program), "one's own set-uid program");
    std::os::unix::fs::chown(&program, Some(NOBODY), None).expect("the superuser may");
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).expect("the superuser may");
    assert!(!preloaded(&program), "another user's set-uid program");
}

#[test]
fn capabilities() {
    if !superuser() || !installed("setcap") {
        return skip("needs the superuser and setcap (libcap2-bin)");
    }
    // A place that everyone can read.
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("one's own directory");
    let copy = |file: &Path, name: &str| {
        let to = directory.path().join(name);
        xalloc_tests::copy(file, &to);
        to
    };
    let program = copy(&plain(), "program");
    let command = copy(Path::new(env!("CARGO_BIN_EXE_xalloc")), "xalloc");
    let library = copy(xalloc_tests::library(), "libxalloc.so");
    let status = Command::new("setcap").arg("cap_net_raw+ep").arg(&program).status().expect("setcap starts");
    if !status.success() {
        return skip("this file system takes no capabilities");
    }
    let mut doctor = Command::new(command);
    doctor.args(["doctor", "--json"]).arg(&program).env("XALLOC_LIBRARY", library);
    assert_eq!(found(&mut doctor), ["note capabilities"]);
    assert_eq!(found(doctor.uid(NOBODY)), ["obstacle capabilities"]);
}

#[test]
fn scripts() {
    // A first line has no paths with blanks either.
    let directory = preloadable();
    let script = |name: &str, line: &str| {
        let path = directory.path().join(name);
        fs::write(&path, format!("#!{line}\n")).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("one's own file");
        path
    };
    let interpreter = with("program.c", &["-static"]);
    let outer = script("outer", &interpreter.display().to_string());
    let inner = script("inner", &format!("{} -x", outer.display()));
    finds(&inner, &["obstacle static"]);
    let name = interpreter.file_name().and_then(|name| name.to_str()).expect("a name");
    let by_env = script("by-env", &format!("/usr/bin/env -S A=1 {name} -x"));
    assert_eq!(
        found(doctor(&["--json"]).arg(&by_env).env("PATH", interpreter.parent().expect("a directory"))),
        ["obstacle static"]
    );
    fs::write(&outer, "echo a text for the shell\n").expect("a file");
    let report = doctor(&["--json"]).arg(&outer).output().expect("the doctor starts");
    assert_eq!(json(&report.stdout, &report)["chain"][1], "/bin/sh");
    let exit = |path: &Path| doctor(&[]).arg(path).output().expect("the doctor starts").status.code();
    assert_eq!(exit(&script("lost", "/none/interpreter")), Some(127));
    assert_eq!(exit(&script("other-line-ends", "/bin/sh\r")), Some(127), "the kernel looks for a name that ends so");
    assert_eq!(exit(&script("nobody", "")), Some(0), "the shell runs it");
    assert_eq!(exit(&script("unset", "/usr/bin/env -S -u FOO sh")), Some(0));
    for words in ["-i", "-u LD_PRELOAD", "LD_PRELOAD="] {
        finds(&script("taken", &format!("/usr/bin/env -S {words} sh")), &["obstacle environment", "note script"]);
    }
    fs::write(&outer, "").expect("a file");
    assert_eq!(exit(&outer), Some(0), "there is nothing in it for the shell to do");
    // A name that is in every PATH.
    let relative = script("relative", "sh");
    assert_eq!(exit(&relative), Some(127));
    let here = script("sh", "/bin/sh");
    let doctor = doctor(&["--json"]).arg(&relative).current_dir(directory.path()).output().expect("the doctor starts");
    assert_eq!(json(&doctor.stdout, &doctor)["chain"][2], "/bin/sh", "{here:?} is where the doctor is");
    let itself = script("itself", "/none");
    fs::write(&itself, format!("#!{}\n", itself.display())).expect("a file");
    assert_eq!(exit(&itself), Some(126), "a script that is its own interpreter");
}
