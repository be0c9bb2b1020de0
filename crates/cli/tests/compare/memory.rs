//! `xalloc compare` and memory: of all processes together, some time after a load, and what a verdict makes of it.

use super::common::{Place, compare, named, row};

/// A program that holds so many MiB for a while, alone or in a child of its own.
const HOLDS: &str = "#include <stdlib.h>\n#include <string.h>\n#include <sys/wait.h>\n#include <unistd.h>\n\
    int main(int count, char **words) { int child = count > 3 && fork() != 0; size_t size = (size_t)atoi(words[1]) << 20;\n\
    char *block = malloc(size); memset(block, 1, size); usleep(atoi(words[2]) * 1000); volatile char last = block[size - 1];\n\
    if (child) wait(0); return last != 1; }";

fn mean(report: &serde_json::Value, name: &str, figure: &str) -> f64 {
    let mean = &row(report, name)["statistics"][figure]["mean"];
    mean.as_f64().unwrap_or_else(|| panic!("{name} has no {figure}: {report}"))
}

/// The largest of two processes has half of what both have.
#[test]
fn all_processes_are_counted_together_and_the_note_says_which_memory_is_which() {
    let place = Place::new();
    let program = place.compile("holds", HOLDS, &["-O1"]);
    let program = [program.to_str().unwrap(), "32", "400", "fork"];
    let (report, output) =
        place.compare(&[&["-n", "1", "-a", "system", "--tree", "--by", "memory", "--"][..], &program].concat());
    let (one, all) = (mean(&report, "system", "rss"), mean(&report, "system", "pss"));
    assert!(one > 32.0 * 1024.0 && one < 40.0 * 1024.0, "{one} KiB: {report}");
    assert!(all > 64.0 * 1024.0 && all < 80.0 * 1024.0, "{all} KiB: {report}");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("peak memory ") && table.contains("all processes "), "{table}");
    assert!(
        table.contains("note: peak memory is the largest resident set of one process (RSS); all processes: "),
        "{table}"
    );
}

#[test]
fn a_run_that_is_over_before_its_memory_is_looked_at_has_a_note() {
    let output = compare().args(["-n", "1", "-a", "system", "--tree", "--", "true"]).output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("note: --tree reads the memory twenty times a second"), "{table}");
}

/// Without `/proc`, as in some containers, nobody tells the memory of a process.
#[test]
fn memory_that_the_kernel_does_not_tell_is_said_to_be_missing() {
    let script = "mount -t tmpfs none /proc && shift && exec \"$@\"";
    let mut within = std::process::Command::new("unshare");
    within.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    let is_permitted = within.args([script, "sh", "-", "true"]).output().is_ok_and(|output| output.status.success());
    if !is_permitted {
        return xalloc_tests::skip("no file system can be mounted here (unshare)");
    }
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", "-", env!("CARGO_BIN_EXE_xalloc")]);
    command.args(["compare", "-n", "1", "-a", "system", "--tree", "--", "true"]);
    let output = command.output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains(" all processes ") && table.contains(" not available "), "{table}");
    assert!(
        table.contains("note: all processes is not available (system): cannot read /proc/self/smaps_rollup: "),
        "{table}"
    );
}

/// The server frees half of it when the load is over.
#[test]
fn settled_memory_is_what_a_server_keeps() {
    let place = Place::new();
    let (ready, loaded) = (place.file("ready").display().to_string(), place.file("loaded").display().to_string());
    let server = format!(
        "#include <fcntl.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n\
         int main(void) {{ size_t size = 32 << 20; char *keep = malloc(size), *give = malloc(size); memset(keep, 1, size);\n\
         memset(give, 1, size); close(creat(\"{ready}\", 0600)); while (access(\"{loaded}\", F_OK)) usleep(1000);\n\
         free(give); unlink(\"{ready}\"); unlink(\"{loaded}\"); for (;;) pause(); return keep[0]; }}"
    );
    let server = place.compile("server", &server, &["-O1", "-fno-builtin"]);
    let (is_ready, load) = (format!("test -e {ready}"), format!("sleep 0.5; touch {loaded}"));
    let arguments =
        ["-n", "1", "-a", "system", "--ready", &is_ready, "--load", &load, "--settle", "0.3", "--tree", "--"];
    let (report, output) = place.compare(&[&arguments[..], &[server.to_str().unwrap()]].concat());
    let (peak, settled) = (mean(&report, "system", "pss"), mean(&report, "system", "settled_pss"));
    assert!(peak > 64.0 * 1024.0, "{peak} KiB: {report}");
    assert!(settled > 32.0 * 1024.0 && settled < 48.0 * 1024.0, "{settled} KiB: {report}");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("settled: what all processes held 0.3 s after the load (PSS)"), "{table}");
    let output = compare().args(["--settle", "1", "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "without a load there is nothing to settle after: {output:?}");
}

/// A library that holds 8 MiB more than the program needs.
#[test]
fn the_figure_that_was_chosen_sorts_and_decides_and_small_differences_are_none() {
    let place = Place::new();
    let large = "#include <stdlib.h>\n#include <string.h>\nextern void *__libc_malloc(size_t); extern void __libc_free(void *);\n\
        void *malloc(size_t size) { return __libc_malloc(size); } void free(void *block) { __libc_free(block); }\n\
        char held[8 << 20]; __attribute__((constructor)) static void hold(void) { memset(held, 1, sizeof held); }";
    let large = named("large", &place.compile("large.so", large, &["-shared", "-fPIC"]));
    let run = |more: &[&str]| {
        let arguments = [&["-n", "4", "-a", &large, "--by", "memory"][..], more, &["--", "true"]].concat();
        let (report, output) = place.compare(&arguments);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        report
    };
    let names = |report: &serde_json::Value| {
        report["rows"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect::<Vec<_>>()
    };
    let report = run(&[]);
    assert_eq!(names(&report), ["system", "large"], "{report}");
    assert_eq!(row(&report, "large")["verdicts"]["rss"], "worse", "{report}");
    let last = report["verdict"].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert_eq!(last, "recommended by peak memory: system: no candidate is shown to be better");
    let report = run(&["--ignore-memory", "16384"]);
    assert_eq!(row(&report, "large")["verdicts"]["rss"], "no_difference", "{report}");
}
