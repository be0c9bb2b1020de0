//! `xalloc doctor --run`: what it says of runs whose truth is known.

use super::fixtures::{compiled, doctor, json, plain, with};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use xalloc_tests::{behind, skip};

/// The exit code, and what `run` is in the report. It goes through standard error; the program's output is returned too.
fn observed(doctor: &mut Command) -> (Option<i32>, Value, String) {
    let output = doctor.output().expect("the doctor starts");
    let report = json(&output.stderr, &output);
    (output.status.code(), report["run"].clone(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns whether the library was there and served every reference; not known of a short program if the kernel may not be asked.
fn is_served(run: &Value) -> bool {
    let is_unknown = run["sampled"]["not_measured"].is_string() && run["served"].is_null();
    run["served"] == true || is_unknown
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|name| name.as_str().expect("a name")).collect()
}

#[test]
fn every_reference_is_proved() {
    let program = plain();
    let (code, run, output) = observed(doctor(&["--run", "--json"]).arg(&program).args(["--", "--json"]));
    assert_eq!(output, "3 --json\n", "the program's own arguments and output");
    assert_eq!((code, &run["exit_code"], is_served(&run)), (Some(0), &0.into(), true), "{run}");
    assert_eq!(run["bindings"]["measured"]["followed"], false);
    let proved = names(&run["bindings"]["measured"]["proved"]);
    assert!(proved.contains(&"malloc") && proved.contains(&"free"), "{proved:?}");
}

#[test]
fn the_programs_own_exit_code_is_reported() {
    let (code, run, _) = observed(doctor(&["--run", "--json", "sh", "-c", "exit 7"]).stdin(Stdio::null()));
    assert_eq!((code, &run["exit_code"]), (Some(0), &7.into()));
    let (_, run, _) = observed(doctor(&["--run", "--json", "sh", "-c", "kill -KILL $$"]).stdin(Stdio::null()));
    assert!(run["ended"].as_str().expect("words").contains("SIGKILL"), "{run}");
}

#[test]
fn threads_are_counted_and_time_in_malloc_is_seen() {
    let (_, run, _) = observed(doctor(&["--run", "--json"]).arg(with("threads.c", &[])));
    if let Some(reason) = run["sampled"]["not_measured"].as_str() {
        return skip(reason);
    }
    assert_eq!(run["threads"], serde_json::json!({ "most": 4, "counted": true }));
    // It does hardly anything else.
    assert!(run["share"].as_f64().expect("a number") > 0.3, "{run}");
    assert_eq!(run["sampled"]["measured"]["processes"], 1);
    let advice = run["advice"].to_string();
    assert!(advice.contains("comparing allocators") && !advice.contains("more than one thread"), "{advice}");
}

#[test]
fn a_module_with_its_own_malloc_is_named() {
    let program = with("opens_module.c", &[]);
    let module = with("module.c", &["-shared", "-fPIC"]);
    let other = with("own_malloc.c", &["-shared", "-fPIC", "-DVISIBILITY=\"default\""]);
    let open = |library: &Path, way: &str| {
        let mut doctor = doctor(&["--run", "--bindings", "--json", "--library"]);
        observed(doctor.arg(library).arg(&program).arg(&module).arg(way))
    };
    let ours = xalloc_tests::library();
    for way in ["plain", "deep"] {
        let (code, run, _) = open(ours, way);
        assert_eq!((code, is_served(&run)), (Some(0), true), "{way}: {run}");
    }
    for (library, way, word) in [(&*other, "deep", "RTLD_DEEPBIND"), (ours, "apart", "dlmopen")] {
        let (code, run, _) = open(library, way);
        assert_eq!((code, &run["exit_code"], &run["served"]), (Some(1), &0.into(), &false.into()), "{run}");
        let elsewhere = run["bindings"]["measured"]["elsewhere"].as_array().expect("a list").clone();
        let of_module =
            |reference: &&Value| reference["from"].as_str() == module.to_str() && reference["name"] == "malloc";
        let reference = elsewhere.iter().find(of_module).unwrap_or_else(|| panic!("{way}: {run}"));
        assert!(reference["why"].as_str().expect("words").contains(word), "{way}: {reference}");
        assert!(reference["to"].as_str().expect("a file").contains("libc.so"), "{way}: {reference}");
    }
}

/// A loader that does not say what it binds: what is left is still reported.
#[test]
fn musl() {
    if !xalloc_tests::installed("musl-gcc") {
        return skip("musl-gcc is missing (musl-tools)");
    }
    let library = compiled("musl-gcc", "own_malloc.c", &["-shared", "-fPIC", "-DVISIBILITY=\"default\""]);
    let program = compiled("musl-gcc", "program.c", &[]);
    let (code, run, output) =
        observed(doctor(&["--run", "--json", "--library"]).arg(&library).arg(&program).arg("hello"));
    assert_eq!((code, output.as_str()), (Some(0), "2 hello\n"), "{run}");
    assert!(run["bindings"]["not_measured"].as_str().expect("words").contains("glibc"), "{run}");
    assert_ne!(run["loaded"], false);
}

/// The stub of a program at a fixed address looks like a definition of its own, and is none.
#[test]
fn a_stub_for_malloc_is_no_other_malloc() {
    let program = with("takes_address.c", &["-no-pie", "-fno-pie"]);
    let (code, run, _) = observed(doctor(&["--run", "--bindings", "--json"]).arg(&program));
    assert_eq!((code, is_served(&run)), (Some(0), true), "{run}");
    assert_eq!(run["bindings"]["measured"]["elsewhere"], serde_json::json!([]), "{run}");
}

/// operator new of the program's own gets its memory from malloc: it is told, and is no failure.
#[test]
fn operators_of_the_program_are_told() {
    let program = compiled("c++", "own_new.cpp", &[]);
    let (code, run, _) = observed(doctor(&["--run", "--json"]).arg(&program));
    assert_eq!((code, is_served(&run)), (Some(0), true), "{run}");
    let elsewhere = run["bindings"]["measured"]["elsewhere"].as_array().expect("a list");
    let own = elsewhere.iter().find(|reference| reference["name"] == "_Znwm").unwrap_or_else(|| panic!("{run}"));
    assert!(own["why"].as_str().expect("words").contains("defines it itself"), "{own}");
}

#[test]
fn children_are_reported_apart() {
    let program = plain();
    let script = format!("{0}; {0}; true", program.display());
    let (code, run, output) = observed(&mut doctor(&["--run", "--bindings", "--json", "sh", "-c", &script]));
    assert_eq!((code, output.lines().count()), (Some(0), 2));
    let bindings = &run["bindings"]["measured"];
    assert_eq!((&bindings["children"], &bindings["children_proved"]), (&2.into(), &2.into()), "{run}");
}

/// It starts nothing twice: what the loader is asked before the run does not run the program.
#[test]
fn the_program_runs_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("trace");
    let script = format!("echo here >>'{}'", file.display());
    observed(&mut doctor(&["--run", "--bindings", "--json", "sh", "-c", &script]));
    assert_eq!(std::fs::read_to_string(file).expect("the script's file"), "here\n");
}

/// What starts the program takes the library away.
#[test]
fn a_library_that_did_not_arrive_is_missed() {
    let (code, run, _) = observed(&mut doctor(&["--run", "--json", "env", "-u", "LD_PRELOAD", "sleep", "1"]));
    assert_eq!((code, &run["loaded"], &run["served"]), (Some(1), &false.into(), &false.into()), "{run}");
}

/// However soon that is over.
#[test]
fn a_short_program_without_the_library_is_never_taken_for_one_with_it() {
    for program in [&["env", "-i", "sleep", "0.05"][..], &["sh", "-c", "exec env -i true"]] {
        let (code, run, _) = observed(doctor(&["--run", "--json"]).args(program));
        assert_ne!((&run["loaded"], &run["served"]), (&true.into(), &true.into()), "{run}");
        assert_eq!(run["advice"], serde_json::json!([]), "{run}");
        if run["sampled"].get("measured").is_some() {
            assert_eq!((code, &run["loaded"], &run["served"]), (Some(1), &false.into(), &false.into()), "{run}");
        }
    }
}

#[test]
fn what_is_preloaded_already_stays() {
    let other = with("module.c", &["-shared", "-fPIC"]);
    let mut command = doctor(&["--run", "--json", "sh", "-c", "echo $LD_PRELOAD"]);
    let (_, run, output) = observed(command.env("LD_PRELOAD", &other));
    assert_eq!(output.trim(), format!("{}:{}", xalloc_tests::library().display(), other.display()));
    assert!(is_served(&run), "{run}");
}

#[test]
fn an_obstacle_is_not_run_into() {
    let program = with("program.c", &["-static"]);
    let output = doctor(&["--run"]).arg(&program).output().expect("the doctor starts");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("Not run"), "{output:?}");
}

#[test]
fn the_report_can_go_to_a_file() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("report");
    let output = doctor(&["--run", "-o"]).arg(&file).arg(plain()).output().expect("the doctor starts");
    assert!(output.stderr.is_empty(), "{output:?}");
    assert!(std::fs::read_to_string(file).expect("the report").contains("in the process"));
    let output = doctor(&["--run", "-o", "-", "true"]).output().expect("the doctor starts");
    assert!(String::from_utf8_lossy(&output.stdout).contains("in the process"), "{output:?}");
}

/// Ctrl-C reaches both, as a terminal sends it to all; a signal for the doctor alone is passed on. Either way it reports.
#[test]
fn the_doctor_outlives_the_program() {
    for (to_all, signal, name) in [(true, libc::SIGINT, "SIGINT"), (false, libc::SIGTERM, "SIGTERM")] {
        let command = doctor(&["--run", "--json", "sh", "-c", "echo ready; while :; do sleep 0.1; done"]);
        let mut command = behind(&["env", "--default-signal"], &command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("the doctor starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("the program's output");
        let id = child.id() as libc::pid_t;
        // SAFETY: no memory is involved; the child, and the group that it leads, are ours and not yet waited for.
        unsafe { libc::kill(if to_all { -id } else { id }, signal) };
        let output = child.wait_with_output().expect("it ends");
        let run = json(&output.stderr, &output)["run"].clone();
        assert!(run["ended"].as_str().expect("words").contains(name), "{run}");
    }
}

/// The thread that passes signals on begins only when the program has ended, and ends before it is told to: both are
/// slowed down here, so that nothing reads any more what tells it.
#[test]
fn a_program_that_is_soon_over_does_not_end_the_doctor() {
    if !xalloc_tests::installed("strace") {
        return skip("strace is missing (strace)");
    }
    let delays = ["-e", "inject=sigaltstack:delay_exit=300000", "-e", "inject=sendto:delay_enter=600000"];
    let directory = tempfile::tempdir().expect("a temporary directory");
    // Not on standard error: strace has something to say there now and then.
    let report = directory.path().join("report");
    let mut doctor = doctor(&["--run", "--json", "-o"]);
    doctor.arg(&report).arg("true");
    let output = behind(&[&["strace", "-f", "-qq", "-o", "/dev/null"], &delays[..]].concat(), &doctor).output();
    let output = output.expect("strace starts");
    let report = json(&std::fs::read(report).unwrap_or_default(), &output);
    assert_eq!((output.status.code(), &report["run"]["exit_code"]), (Some(0), &0.into()), "{report}");
}

/// No thread can be started, so nobody would wait for the program, which runs already.
#[test]
fn a_program_that_cannot_be_watched_is_not_left_behind() {
    let said = tempfile::NamedTempFile::new().expect("a file");
    let mut command = doctor(&["--run", "sleep", "600"]);
    // No machine has memory for such a stack.
    command.env("RUST_MIN_STACK", (1_u64 << 60).to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.reopen().expect("a file")).process_group(0);
    let mut child = command.spawn().expect("the doctor starts");
    let code = child.wait().expect("it ends").code();
    // SAFETY: no memory is involved. The group was the doctor's; as long as anything is left in it, the number is taken.
    let is_left = unsafe { libc::kill(-(child.id() as libc::pid_t), libc::SIGKILL) } == 0;
    let said = std::fs::read_to_string(said).expect("what it said");
    assert!(code == Some(1) && said.contains("cannot start a thread") && !is_left, "{code:?} {said} {is_left}");
}
