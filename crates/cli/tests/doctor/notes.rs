//! What is said of programs into which a malloc can be preloaded, and of what was not looked at.

use super::fixtures::{doctor, finds, found, json, plain, with};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use xalloc_tests::{installed, skip};

/// A shell script with this text.
fn script(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("wrapper");
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("one's own file");
    path
}

#[test]
fn what_a_wrapper_script_starts_was_not_looked_at() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = with("program.c", &["-static"]);
    for first_line in ["#!/bin/sh -e", "#!/usr/bin/env bash", ""] {
        let path = script(directory.path(), &format!("{first_line}\nexec {} \"$@\"\n", server.display()));
        finds(&path, &["note script"]);
        let output = doctor(&["--json"]).arg(&path).output().expect("the doctor starts");
        let finding = &json(&output.stdout, &output)["findings"][0];
        let reason = finding["reason"].as_str().expect("a reason");
        assert!(reason.starts_with(path.to_str().expect("a path")), "{reason}");
        assert!(reason.contains("not the programs that the script starts"), "{reason}");
    }
    finds(Path::new("/usr/bin/nice"), &["note launcher"]);
}

/// A launcher like those that Go makes: static, and what it starts is not.
#[test]
fn a_static_launcher_is_run_by_force_and_its_children_have_the_library() {
    let launcher = with("launcher.c", &["-static"]);
    let mut command = doctor(&["--json", "--run", "--bindings", "--force"]);
    let output = command.arg(&launcher).arg(plain()).output().expect("the doctor starts");
    assert_eq!(output.status.code(), Some(1), "the obstacle is one: {output:?}");
    let report = json(&output.stderr, &output);
    assert_eq!((&report["run"]["exit_code"], &report["run"]["served"]), (&0.into(), &false.into()), "{report}");
    assert!(report["findings"][0]["way_out"].as_str().expect("a way out").contains("only starts other programs"));
    let mut command = doctor(&["--run", "--force"]);
    let output = command.arg(&launcher).arg(plain()).env("XALLOC_CONF", "verbose:true").output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(": heap fast, program "), "what it started has no library: {said}");
    assert!(said.contains("the obstacle above keeps it out"), "{said}");
    let refused = doctor(&["--force", "true"]).output().expect("it starts");
    assert_eq!(refused.status.code(), Some(2), "without --run nothing is to be forced: {refused:?}");
}

/// Only some libraries leave out what is opened with RTLD_DEEPBIND.
#[test]
fn deepbind_is_spoken_of_only_where_it_matters() {
    let program = with("opens_module.c", &["-Ddlmopen(space,name,mode)=dlopen(name,mode)"]);
    finds(&program, &[]);
    let other = with("own_malloc.c", &["-shared", "-fPIC", "-DVISIBILITY=\"default\""]);
    let mut command = doctor(&["--json", "--library"]);
    assert_eq!(found(command.arg(&other).arg(&program)), ["note dlopen"]);
    finds(&with("opens_module.c", &[]), &["note dlmopen"]);
}

#[test]
fn memory_that_is_not_mallocs() {
    let defines = |name: &str| with("defines.c", &[&format!("-DNAME={name}"), "-rdynamic"]);
    finds(&defines("PyObject_Malloc"), &["note pymalloc"]);
    finds(&defines("_ZN2v87Isolate3NewEv"), &["note v8-heap"]);
    finds(&defines("JNI_CreateJavaVM"), &["note jvm-heap"]);
    finds(&defines("_emalloc"), &["note zend-heap"]);
    let switched =
        |name: &str, variable: &str, value: &str| found(doctor(&["--json"]).arg(defines(name)).env(variable, value));
    assert!(switched("PyObject_Malloc", "PYTHONMALLOC", "malloc").is_empty());
    assert_eq!(switched("PyObject_Malloc", "PYTHONMALLOC", "debug"), ["note pymalloc"]);
    assert!(switched("_emalloc", "USE_ZEND_ALLOC", "0").is_empty());
}

/// The real ones have what the finding goes by.
#[test]
fn interpreters_of_this_machine() {
    for (program, note) in
        [("/usr/bin/python3", "pymalloc"), ("/usr/bin/node", "v8-heap"), ("/usr/bin/php", "zend-heap")]
    {
        if !installed(program) {
            skip(&format!("there is no {program}"));
            continue;
        }
        let found = found(doctor(&["--json"]).arg(program).env_remove("PYTHONMALLOC").env_remove("USE_ZEND_ALLOC"));
        assert!(found.contains(&format!("note {note}")), "{program}: {found:?}");
    }
}
