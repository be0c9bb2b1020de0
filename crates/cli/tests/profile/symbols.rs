//! Names of addresses: from the file itself, from another one, or from none.

use super::common::{Place, line, said, stack};
use std::path::Path;

/// The functions of the program's own stack, and whether they have lines.
fn is_named(place: &Place, arguments: &[&str]) -> bool {
    let report = place.json(arguments);
    let stack = stack(&report, 3000);
    assert_eq!(stack[0].split(' ').next(), Some("app::Cache<int>::keep"), "{stack:?}");
    stack[0] == format!("app::Cache<int>::keep {}", line("keeps"))
}

/// Splits the program's debug information off into `program.debug`.
fn split(place: &Place) {
    place.run("objcopy", &["--only-keep-debug", "program", "program.debug"]);
    place.run("strip", &["program"]);
}

#[test]
fn functions_lines_and_inlined_functions_are_told() {
    let place = Place::new(&[], |_| ());
    let report = place.json(&[]);
    let expected = [
        format!("app::Cache<int>::keep {}", line("keeps")),
        format!("*app::fill {}", line("fills")),
        format!("app::serve {}", line("serves")),
    ];
    assert_eq!(stack(&report, 3000)[..3], expected);
    assert!(stack(&report, 3000)[3].starts_with("main profiled.cpp:"));
    assert_eq!(stack(&report, 0)[0], format!("app::discard {}", line("discards")));
    assert!(stack(&report, 1000)[0].starts_with("plug plugin.c:"));
    assert_eq!(report["total"]["live_bytes"], 5000);
    let table = place.profile(&["--by", "function", "--sort", "allocated"]);
    let table = String::from_utf8(table.stdout).expect("text");
    let first = table.lines().nth(3).expect("a row");
    assert!(first.contains("9.8 KiB") && first.contains("app::Cache<int>::keep"), "{table}");
    assert!(first.ends_with(&line("keeps")), "{table}");
}

#[test]
fn debug_information_may_be_compressed() {
    assert!(is_named(&Place::new(&["-gz=zlib"], |_| ()), &[]));
}

#[test]
fn debug_information_is_found_by_the_name_in_the_file() {
    for directory in [".", ".debug"] {
        let place = Place::new(&[], |place| {
            split(place);
            place.run("objcopy", &["--add-gnu-debuglink=program.debug", "program"]);
            std::fs::create_dir_all(place.file(directory)).expect("a directory");
            if directory != "." {
                std::fs::rename(place.file("program.debug"), place.file(directory).join("program.debug"))
                    .expect("moved");
            }
        });
        assert!(is_named(&place, &[]), "{directory}");
    }
}

/// Without build-ids, the sum of the file's bytes tells whether it is the right one.
#[test]
fn debug_information_is_checked_by_its_sum() {
    let link = |place: &Place| {
        split(place);
        place.run("objcopy", &["--add-gnu-debuglink=program.debug", "program"]);
    };
    let flags = ["-Wl,--build-id=none", "-rdynamic"];
    assert!(is_named(&Place::new(&flags, link), &[]));
    let place = Place::new(&flags, |place| {
        link(place);
        let path = place.file("program.debug");
        let mut bytes = std::fs::read(&path).expect("there");
        bytes.push(0);
        std::fs::write(path, bytes).expect("written");
    });
    assert!(!is_named(&place, &[]));
}

#[test]
fn debug_information_is_found_by_build_id() {
    let id = "0123456789abcdef0123456789abcdef01234567";
    let flag = |id: &str| format!("-Wl,--build-id=0x{id}");
    // The program's file with debug information is that of a build with another id, perhaps.
    let with = |other: &str| {
        Place::new(&[&flag(id), "-rdynamic"], |place| {
            place.run("strip", &["program"]);
            place.compile("c++", "profiled.cpp", "other", &[&flag(other), "-rdynamic"]);
            std::fs::create_dir_all(place.file("debug/.build-id/01")).expect("a directory");
            let debug = "debug/.build-id/01/23456789abcdef0123456789abcdef01234567.debug";
            place.run("objcopy", &["--only-keep-debug", "other", debug]);
        })
    };
    assert!(is_named(&with(id), &["--debug-directory", "debug"]));
    assert!(!is_named(&with(id), &["--debug-directory", "elsewhere"]));
    assert!(!is_named(&with("0199999999abcdef0123456789abcdef01234567"), &["--debug-directory", "debug"]));
}

#[test]
fn without_any_symbols_an_address_is_a_place_in_the_file() {
    let place = Place::new(&[], split);
    let output = place.profile(&["--top", "1"]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains(" program+0x"), "{table}");
    let line = " addresses have no name: it has neither debug information nor a symbol there\n";
    assert!(said(&output).contains("xalloc profile: program: ") && said(&output).contains(line), "{output:?}");
    assert!(stack(&place.json(&[]), 3000)[0].starts_with('?'));
}

#[test]
fn a_library_that_is_gone_is_named() {
    let place = Place::new(&[], |_| ());
    std::fs::remove_file(place.file("libplugin.so")).expect("there");
    let output = place.profile(&["--by", "stack"]);
    let line = "libplugin.so: 1 address has no name: ";
    assert!(said(&output).contains(line) && said(&output).contains("cannot be read (No such file"), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("libplugin.so+0x"), "{output:?}");
    assert_eq!(output.status.code(), Some(0));
}

/// heap_v2 as the command writes it has the build-ids. So a file that was replaced later is noticed.
#[test]
fn a_library_that_was_replaced_is_not_taken_for_the_old_one() {
    let place = Place::new(&[], |_| ());
    let old = place.file("old.heap");
    let old = old.to_str().expect("a path");
    assert_eq!(place.profile(&["--heap-v2", old]).status.code(), Some(0));
    let read = || super::common::profile(&["--by", "stack", old]).output().expect("the command starts");
    assert!(String::from_utf8_lossy(&read().stdout).contains("plug  "), "{:?}", read());
    place.compile("cc", "plugin.c", "libplugin.so", &["-shared", "-fPIC", "-Wl,--build-id=0x1234"]);
    let output = read();
    assert!(said(&output).contains("libplugin.so was replaced since the profile was written (its build-id is 1234, "));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("plug  "), "{output:?}");
}

#[test]
fn code_that_was_made_at_run_time_has_the_names_that_the_program_wrote() {
    let place = Place::new(&[], |_| ());
    assert!(said(&place.profile(&[])).contains("[anon]: 2 addresses have no name: code that is made at run time"));
    let map = place.file("names.map");
    let map = map.to_str().expect("a path");
    let output = place.profile(&["--perf-map", map, "--by", "stack"]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("JS:render app.js:3  [anon]") && table.contains("JS:main app.js:9"), "{table}");
    assert!(!said(&output).contains("[anon]"), "{output:?}");
    // As jemalloc names its profiles, and as compilers name theirs: by process id.
    let id = u32::MAX - std::process::id();
    let (named, found) = (place.file(&format!("prof.{id}.0.f.heap")), format!("/tmp/perf-{id}.map"));
    std::fs::copy(place.file("profile.heap"), &named).expect("copied");
    std::fs::copy(map, &found).expect("copied");
    let output = super::common::profile(&["--by", "stack"]).arg(&named).output();
    std::fs::remove_file(Path::new(&found)).expect("there");
    assert!(String::from_utf8_lossy(&output.expect("the command starts").stdout).contains("JS:render app.js:3"));
}

/// A program file that is broken anywhere gives fewer names, and nothing worse.
#[test]
fn a_corrupt_program_does_no_harm() {
    let place = Place::new(&[], |_| ());
    let whole = std::fs::read(place.file("program")).expect("there");
    let headers = (0..64).chain(whole.len() - 2400..whole.len()).step_by(61);
    let all = (0..whole.len()).step_by(whole.len() / 24);
    for at in headers.chain(all) {
        for (kind, bytes) in [("cut off", whole[..at].to_vec()), ("changed", changed(&whole, at))] {
            // A new file: the old one may be mapped.
            std::fs::remove_file(place.file("program")).expect("there");
            std::fs::write(place.file("program"), bytes).expect("written");
            let output = place.profile(&["--by", "stack"]);
            assert_eq!(output.status.code(), Some(0), "{kind} at {at}: {output:?}");
        }
    }
}

fn changed(whole: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let end = (at + 8).min(bytes.len());
    bytes[at..end].fill(0xff);
    bytes
}
