//! `xalloc compare` on programs: what is run, in which order, under what, and what becomes of failures.

use super::common::{Place, compare, named, reason, row};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use xalloc_tests::{behind, stop_and_continue, wait_until};

#[test]
fn measures_every_run_and_reports_it() {
    let place = Place::new();
    let mine = named("mine", &place.library());
    let csv = place.file("runs.csv");
    let arguments = ["-n", "3", "-a", &mine, "--csv", csv.to_str().unwrap(), "--", "sh", "-c", "exit 0"];
    let (report, output) = place.compare(&arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(report["command"], serde_json::json!(["sh", "-c", "exit 0"]));
    for name in ["system", "mine"] {
        let samples = row(&report, name)["samples"].as_array().unwrap();
        assert_eq!(samples.len(), 3);
        assert!(samples.iter().all(|sample| sample["wall"].as_f64() > Some(0.0) && sample["rss"].as_f64() > Some(0.0)));
        let time = &row(&report, name)["statistics"]["wall"];
        assert_eq!(time["count"], 3);
        assert!(time["least"].as_f64() <= time["mean"].as_f64() && time["mean"].as_f64() <= time["most"].as_f64());
    }
    let ratio = &row(&report, "mine")["statistics"]["wall"]["ratio"];
    let value = ratio["value"].as_f64().unwrap();
    assert!(ratio["interval"][0].as_f64().unwrap() <= value && value <= ratio["interval"][1].as_f64().unwrap());
    assert_eq!(csv::Reader::from_path(csv).unwrap().records().count(), 2 * 3);
}

#[test]
fn takes_turns_and_another_one_is_first_each_time() {
    let place = Place::new();
    let log = place.file("log");
    let script = format!("echo ${{MALLOC_ARENA_MAX:-0}} >> {}", log.display());
    place.compare(&["-n", "3", "-a", "system-arenas-2", "--", "sh", "-c", &script]);
    let order = std::fs::read_to_string(log).unwrap().replace('\n', "");
    assert_eq!(order, "02200220", "one round for warming up and three that count");
}

#[test]
fn a_candidate_that_cannot_be_used_is_a_row_with_its_reason() {
    let place = Place::new();
    let text = place.file("text.so");
    std::fs::write(&text, "no library").unwrap();
    let crash = "#include <unistd.h>\nvoid *malloc(size_t size) { (void)size; return 0; } void free(void *block) { (void)block; }\n\
                 __attribute__((constructor)) static void f(void) { write(2, \"oh no\\n\", 6); _exit(9); }";
    let crash = place.compile("crash.so", crash, &["-shared", "-fPIC"]);
    let all = [named("text", &text), named("crash", &crash), named("gone", &place.file("gone.so"))].join(",");
    let (report, output) = place.compare(&["-n", "3", "-a", &all, "--", "true"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(reason(&report, "text").contains("neither a program nor a library"), "{report}");
    assert_eq!(reason(&report, "crash"), "exit 9 where system has 0");
    assert_eq!(row(&report, "crash")["failure"]["stderr"], serde_json::json!(["oh no"]));
    assert!(reason(&report, "gone").contains("cannot read the library"), "{report}");
    assert!(row(&report, "system")["failure"].is_null());
    let table = String::from_utf8(output.stdout).unwrap();
    for name in ["text", "crash", "gone"] {
        assert!(table.contains(reason(&report, name)), "{name}: {table}");
    }
}

/// The loader says nothing where LD_PRELOAD has no effect; numbers of such a program would be of the system's malloc.
#[test]
fn a_library_that_is_not_loaded_is_never_measured() {
    let place = Place::new();
    let mine = named("mine", &place.library());
    let program = place.compile("static", "int main(void) { return 0; }", &["-static"]);
    // What the program's file tells is said before any run; what it does is seen in the first.
    let static_program = (vec![program.to_str().unwrap()], "linked statically");
    let forgetful = (vec!["env", "-u", "LD_PRELOAD", "true"], "was not loaded");
    for (program, expected) in [static_program, forgetful] {
        let (report, output) = place.compare(&[&["-n", "1", "-a", &mine, "--"][..], &program].concat());
        assert!(reason(&report, "mine").contains(expected), "{report}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn a_library_that_nobody_named_may_be_missing() {
    let place = Place::new();
    let command = place.file("xalloc");
    xalloc_tests::copy(env!("CARGO_BIN_EXE_xalloc"), &command);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&command);
        command.args(["compare", "-n", "1"]).args(arguments).args(["--", "true"]).env_remove("XALLOC_LIBRARY");
        command.output().unwrap()
    };
    let output = run(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("failed: there is no libxalloc.so; looked for"), "{text}");
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(run(&["-a", "xalloc"]).status.code(), Some(1));
}

#[test]
fn keeps_what_is_preloaded_already() {
    let place = Place::new();
    let (mine, other) = (place.library(), place.compile("other.so", "int other;", &["-shared", "-fPIC"]));
    let arguments = ["-n", "1", "-a", &named("mine", &mine), "--output", "inherit", "--"];
    let output =
        compare().args(arguments).args(["sh", "-c", "echo =$LD_PRELOAD"]).env("LD_PRELOAD", &other).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let both = format!("={}:{}\n", mine.display(), other.display());
    assert_eq!(text.matches(&both).count(), 2, "{text}");
    assert!(text.contains("note: LD_PRELOAD is already"), "{text}");
}

#[test]
fn prepares_feeds_and_reads_the_program() {
    let place = Place::new();
    let (input, counter) = (place.file("input"), place.file("counter"));
    std::fs::write(&input, "score: 1,250.5\n").unwrap();
    let prepare = format!("echo >> {}", counter.display());
    let (input, mine) = (input.display().to_string(), named("mine", &place.library()));
    let arguments = [
        "-n",
        "2",
        "-a",
        &mine,
        "--prepare",
        &prepare,
        "--input",
        &input,
        "--metric",
        "(?<score>[0-9.,]+)",
        "--",
        "cat",
    ];
    let (report, output) = place.compare(&arguments);
    assert_eq!(std::fs::read_to_string(counter).unwrap().len(), 2 * 3, "before every run, the first ones too");
    assert_eq!(report["metric"], "score");
    assert_eq!(row(&report, "mine")["statistics"]["metric"]["mean"], 1250.5);
    assert!(String::from_utf8(output.stdout).unwrap().contains(" score "));
}

#[test]
fn ends_a_run_that_takes_too_long() {
    let place = Place::new();
    let script = "test -z \"$MALLOC_ARENA_MAX\" || sleep 600";
    // The limit is that of the runs under system too, which have to be over in time on a busy machine.
    let arguments = ["-n", "1", "-a", "system-arenas-2", "--timeout", "5", "--", "sh", "-c", script];
    let (report, output) = place.compare(&arguments);
    assert_eq!(reason(&report, "system-arenas-2"), "not over after 5 s");
    assert_eq!(output.status.code(), Some(1));
}

/// What goes wrong beside the program is not said of the program.
#[test]
fn only_a_program_that_cannot_be_run_is_said_to_be_one() {
    let place = Place::new();
    let input = place.file("input");
    std::fs::write(&input, "").unwrap();
    let prepare = format!("rm {}", input.display());
    let arguments = ["-a", "system", "--prepare", &prepare, "--input", input.to_str().unwrap(), "--", "cat"];
    let output = compare().args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("xalloc compare: cannot read /"), "{output:?}");
    let sleep = ["/bin/sleep", "/usr/bin/sleep"].into_iter().find(|path| std::path::Path::new(path).exists()).unwrap();
    let arguments = ["-a", "system", "--ready", "true", "--load", "true", "--", sleep, "600"];
    let output = compare().args(arguments).env("PATH", "/no/such/directory").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("xalloc compare: cannot run 'sh': "), "{output:?}");
}

/// The advice is not to take more runs, and nor are any made.
#[test]
fn a_program_that_fails_by_itself_later_gets_no_verdict() {
    let place = Place::new();
    let count = place.file("count");
    let script =
        format!("echo >> {0}; test -n \"$MALLOC_ARENA_MAX\" || test $(wc -l < {0}) -lt 3 || exit 7", count.display());
    let (report, output) = place.compare(&["-n", "9", "-a", "system-arenas-2", "--", "sh", "-c", &script]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let expected =
        "no verdict: there is nothing to compare with: system itself failed: exit 7 where its first run had 0";
    assert_eq!(report["verdict"], serde_json::json!([expected]));
    assert_eq!(std::fs::read_to_string(count).unwrap().lines().count(), 4, "the second run of each is the last");
}

/// Ctrl-C reaches only this command, whose children are in groups of their own: it has to end them.
#[test]
fn an_interrupt_ends_the_program_and_shows_what_there_is() {
    let place = Place::new();
    let (count, number) = (place.file("count"), place.file("number"));
    // The program that is still running in the third round.
    let script = format!(
        "echo >> {0}; test $(wc -l < {0}) -lt 5 || {{ echo $$ > {1}.new; mv {1}.new {1}; sleep 600; }}",
        count.display(),
        number.display()
    );
    let mut command = compare();
    command.args(["-n", "9", "-a", "system-arenas-2", "--", "sh", "-c", &script]);
    let mut command = behind(&["env", "--default-signal"], &command);
    let mut child = command.stdout(Stdio::piped()).process_group(0).spawn().unwrap();
    wait_until(&mut child, || number.exists());
    // SAFETY: no memory is involved; the child is ours and not waited for yet.
    unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("note: interrupted") && text.contains(" system-arenas-2 "), "{text}");
    assert!(text.contains("no verdict: it was interrupted"), "{text}");
    let number = std::fs::read_to_string(number).unwrap();
    assert!(!std::path::Path::new("/proc").join(number.trim()).exists(), "{number} is still there");
}

/// Ctrl-Z and `fg`: the program goes on meanwhile, so that run says nothing.
#[test]
fn a_run_in_which_it_was_stopped_is_done_again() {
    let place = Place::new();
    let (count, number, go_on) = (place.file("count"), place.file("number"), place.file("go_on"));
    // The fifth run, of six, waits to be told.
    let script = format!(
        "echo >> {0}; test $(wc -l < {0}) -ne 5 || {{ echo > {1}; until test -e {2}; do sleep 0.01; done; }}",
        count.display(),
        number.display(),
        go_on.display()
    );
    let mut command = compare();
    command.args(["-n", "2", "--warmup", "1", "-a", "system-arenas-2", "--", "sh", "-c", &script]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    wait_until(&mut child, || number.exists());
    stop_and_continue(&mut child);
    std::fs::write(go_on, "").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(std::fs::read_to_string(count).unwrap().len(), 2 * 3 + 1);
}

#[test]
fn a_report_goes_to_the_standard_output_and_the_tables_elsewhere() {
    let arguments = ["-n", "1", "-a", "xalloc:purge_ms=10:thp=never,glibc", "--json", "-", "--", "true"];
    let mut command = compare();
    command.args(arguments).env("XALLOC_LIBRARY", xalloc_tests::library());
    let output = command.output().expect("the command starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let names: Vec<&str> = report["rows"].as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, ["xalloc:purge_ms=10:thp=never", "system"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("xalloc:purge_ms=10:thp=never"), "{output:?}");
}

/// What the program prints would be in the midst of it.
#[test]
fn a_report_and_what_the_program_prints_cannot_both_go_to_the_standard_output() {
    let arguments = ["--output", "inherit", "--json", "-", "--", "true"];
    let output = compare().args(arguments).output().expect("the command starts");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("name a file instead of -"), "{output:?}");
}

/// Why an allocator is not here takes several lines: one is in the table, all are below it, in every file.
#[test]
fn a_reason_of_several_lines_breaks_no_table() {
    let place = Place::new();
    let (md, html, csv) = (place.file("a.md"), place.file("a.html"), place.file("a.csv"));
    let files = ["--md", md.to_str().unwrap(), "--html", html.to_str().unwrap(), "--csv", csv.to_str().unwrap()];
    let (report, output) = place.compare(&[&["-n", "1", "-a", "nedmalloc"][..], &files, &["--", "true"]].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let mut lines = reason(&report, "nedmalloc").lines();
    let (first, last) = (lines.next().unwrap(), lines.last().expect("several lines"));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains(&format!(" nedmalloc   failed: {first}\n")), "{table}");
    assert!(
        table.contains(&format!("\n               {last}")),
        "in the same place as the end of a program's errors: {table}"
    );
    let md = std::fs::read_to_string(md).unwrap();
    assert!(
        md.lines().any(|line| line.starts_with("| nedmalloc | ") && line.ends_with(&format!("failed: {first} |"))),
        "{md}"
    );
    assert!(md.contains(&format!("\n  - `{last}`\n")), "{md}");
    assert!(std::fs::read_to_string(html).unwrap().contains("REPLACE_SYSTEM_ALLOCATOR"));
    assert_eq!(std::fs::read_to_string(csv).unwrap().lines().count(), 1 + 1 + 1, "the heading, a run, a failure");
}
