//! Blocks freed twice, pointers into blocks, blocks written to after the free: each kind at each size, through C's functions, C++'s
//! operators, the static library and Rust's global allocator. One line that says exactly what is wrong, then SIGABRT; with
//! `invalid:report` the program goes on, on a heap that is whole.
//!
//! The same programs run on the system's malloc: what it notices is a misuse indeed.

use libtest_mimic::{Arguments, Failed, Trial};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use xalloc_tests::{built, checkout, fixture, plain, preloaded, run, scratch};

const SIGABRT: i32 = 6;
const LIMIT: Duration = Duration::from_secs(60);
const SIZES: [usize; 8] = [16, 40, 200, 1000, 5000, 20_000, 100_000, 3_000_000];
/// Above this, free blocks hold no links: there is nothing to notice in what is written to them.
const LARGEST_LINKED: usize = 32 << 10;

/// What must be said of the pointer. `{}` is the usable size of its block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    FreedBefore,
    /// This many bytes into the block; `usize::MAX` for wherever it is.
    Interior,
    /// Noticed by the malloc that would follow the link.
    Overwritten,
    /// One or the other, both being the case: which is noticed first depends on how the block travels.
    FreedOrOverwritten,
    /// Anything: what the neighbour is depends on the heap.
    Something,
    /// Nothing: the program does nothing wrong.
    Nothing,
}

/// The kinds of the fixtures, and the call that notices them.
const KINDS: &[(&str, &str, Says)] = &[
    ("twice", "free", Says::FreedBefore),
    ("a_b_a", "free", Says::FreedBefore),
    ("after_a_hundred", "free", Says::FreedBefore),
    ("elsewhere_then_here", "free", Says::FreedBefore),
    ("here_then_elsewhere", "free", Says::FreedBefore),
    ("in_flight", "free", Says::FreedBefore),
    ("by_two_others", "free", Says::FreedBefore),
    ("wiped_twice_elsewhere", "free", Says::FreedOrOverwritten),
    ("realloc_after_free", "realloc", Says::FreedBefore),
    ("realloc_in_place_after_free", "realloc", Says::FreedBefore),
    ("interior_1", "free", Says::Interior),
    ("interior_8", "free", Says::Interior),
    ("interior_16", "free", Says::Interior),
    ("interior_middle", "free", Says::Interior),
    ("interior_last", "free", Says::Interior),
    ("interior_elsewhere", "free", Says::Interior),
    ("before_the_block", "free", Says::Something),
    ("behind_the_block", "free", Says::Something),
    ("realloc_interior", "realloc", Says::Interior),
    ("overwrite_link", "malloc", Says::Overwritten),
    ("decrement_after_free", "malloc", Says::Overwritten),
    ("clear_after_free", "malloc", Says::Overwritten),
    ("copy_after_free", "malloc", Says::Overwritten),
    ("planted_key", "free", Says::Nothing),
    ("never_written", "free", Says::Nothing),
];

/// A way to the heap: its name, what the names of its functions begin with, the program, and how it is run.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    says: &'static str,
    program: &'static Path,
    is_preloaded: bool,
}

impl Way {
    fn command(self, kind: &str, size: usize, conf: &str) -> Command {
        let mut command = if self.is_preloaded { preloaded(self.program, conf) } else { plain(self.program) };
        command.args([kind, &size.to_string()]);
        command
    }

    fn kinds(self) -> Vec<String> {
        let output = plain(self.program).arg("kinds").output().expect("the fixture starts");
        String::from_utf8(output.stdout).expect("names").lines().map(str::to_owned).collect()
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for way in ways() {
        let kinds = way.kinds();
        for &(kind, call, says) in KINDS.iter().filter(|(kind, ..)| kinds.iter().any(|known| known == kind)) {
            trials.push(Trial::test(format!("{}/{kind}", way.name), move || ends_with_a_line(way, kind, call, says)));
            if way.is_preloaded {
                let name = format!("{}/report/{kind}", way.name);
                trials.push(Trial::test(name, move || goes_on_with_a_whole_heap(way, kind, call, says)));
            }
        }
        let known = |kind: &String| KINDS.iter().any(|(known, ..)| known == kind);
        assert!(kinds.iter().all(known) && !kinds.is_empty(), "a kind of {} is not tested", way.name);
    }
    trials.push(Trial::test("the_system_notices_them_too", the_system_notices_them_too));
    libtest_mimic::run(&arguments, trials).exit();
}

fn ways() -> [Way; 4] {
    let leak = |path: PathBuf| -> &'static Path { Box::leak(path.into_boxed_path()) };
    let global = built("xalloc-misuse-global", "xalloc-misuse-global");
    [
        Way { name: "c", says: "xalloc: ", program: leak(fixture("misuse_kinds.c", &[])), is_preloaded: true },
        Way { name: "cxx", says: "xalloc: ", program: leak(fixture("misuse_kinds.cpp", &[])), is_preloaded: true },
        Way { name: "static", says: "xalloc: xalloc_", program: leak(statically_linked()), is_preloaded: false },
        Way { name: "global", says: "xalloc: ", program: leak(global), is_preloaded: false },
    ]
}

/// The fixture linked with libxalloc.a.
fn statically_linked() -> PathBuf {
    let directory = scratch().join("misuse-static");
    let path = directory.to_str().expect("a path in UTF-8");
    let script = checkout().join("scripts/static-library");
    let output = Command::new(script).args(["--output", path]).env_remove("XALLOC_PREFIX").output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fixture("misuse_kinds_prefixed.c", &[&format!("-I{path}"), &format!("{path}/libxalloc.a")])
}

/// The cells of a kind, each with what must be said.
fn cells(says: Says) -> impl Iterator<Item = (usize, Says)> {
    SIZES.into_iter().map(move |size| {
        let is_nothing = says == Says::Overwritten && size > LARGEST_LINKED;
        (size, if is_nothing { Says::Nothing } else { says })
    })
}

fn ends_with_a_line(way: Way, kind: &str, call: &str, says: Says) -> Result<(), Failed> {
    for (size, says) in cells(says) {
        let output = run(&mut way.command(kind, size, ""), LIMIT)?;
        let ended =
            if says == Says::Nothing { output.status.success() } else { output.status.signal() == Some(SIGABRT) };
        check(&output, ended, way, call, says).map_err(|error| format!("{size}: {error}"))?;
    }
    Ok(())
}

fn goes_on_with_a_whole_heap(way: Way, kind: &str, call: &str, says: Says) -> Result<(), Failed> {
    for (size, says) in cells(says) {
        let output = run(&mut way.command(kind, size, "invalid:report"), LIMIT)?;
        let whole = String::from_utf8_lossy(&output.stdout).ends_with("\nwhole\n");
        check(&output, output.status.success() && whole, way, call, says)
            .map_err(|error| format!("{size}: {error}"))?;
    }
    Ok(())
}

/// Demands the line that belongs to what the fixture announced, and no other.
fn check(output: &Output, ended: bool, way: Way, call: &str, says: Says) -> Result<(), String> {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let all = format!("{}\n{stdout}\n{stderr}", output.status);
    if !ended {
        return Err(all);
    }
    if says == Says::Nothing {
        return if stderr.is_empty() { Ok(()) } else { Err(all) };
    }
    let announced = stdout.lines().find(|line| line.starts_with("0x")).unwrap_or_default();
    let (pointer, usable) = announced.split_once(' ').ok_or_else(|| all.clone())?;
    let begin = format!("{}{call}(): {pointer}: ", way.says);
    let line = stderr.strip_prefix(&begin).and_then(|rest| rest.strip_suffix('\n')).ok_or_else(|| all.clone())?;
    let block = format!("a block of {usable} bytes");
    let (freed, overwritten) = (format!("freed before: {block}"), format!("written to after it was freed: {block}"));
    let matches = match says {
        Says::FreedBefore => line == freed,
        Says::Overwritten => line == overwritten,
        // Where the program goes on, the other one follows.
        Says::FreedOrOverwritten => line.lines().next().is_some_and(|first| first == freed || first == overwritten),
        Says::Interior => is_interior(line, &block),
        Says::Something => !line.contains('\n'),
        Says::Nothing => false,
    };
    if matches { Ok(()) } else { Err(all) }
}

fn is_interior(line: &str, block: &str) -> bool {
    let offset = line.strip_prefix("interior pointer: ").and_then(|rest| rest.split_once(" bytes into "));
    offset.is_some_and(|(offset, of)| of == block && offset.parse::<usize>().is_ok_and(|offset| offset > 0))
}

/// Blocks freed twice at once and interior pointers end a program on glibc at every size; what is no misuse never does.
fn the_system_notices_them_too() -> Result<(), Failed> {
    let program = fixture("misuse_kinds.c", &[]);
    for size in SIZES {
        for (kind, noticed) in [
            ("twice", true),
            ("interior_8", true),
            ("interior_middle", true),
            ("realloc_interior", true),
            ("never_written", false),
        ] {
            let output = run(plain(&program).args([kind, &size.to_string()]), LIMIT)?;
            if noticed != output.status.signal().is_some() {
                return Err(format!("{kind} {size}: {}", output.status).into());
            }
        }
    }
    Ok(())
}
