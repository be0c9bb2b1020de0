//! `XALLOC_CONF`: what it does, and what it says about mistakes.

use libtest_mimic::{Arguments, Trial};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use xalloc_tests::{copy, emulator, fixture, has, heaps, library, plain, preloaded, promises, run, skip, succeed};

fn main() {
    let arguments = Arguments::from_args();
    let tests: &[(&str, fn())] = &[
        ("says_nothing_unasked", says_nothing_unasked),
        (
            "verbose_is_one_line_with_version_heap_program_and_pid",
            verbose_is_one_line_with_version_heap_program_and_pid,
        ),
        ("a_mistake_is_one_line_and_the_program_runs_on", a_mistake_is_one_line_and_the_program_runs_on),
        ("a_value_that_is_too_large_is_one_line_and_the_most_is_used", a_value_that_is_too_large_is_one_line),
        ("the_library_knows_every_option", the_library_knows_every_option),
        ("huge_pages_are_asked_for_as_told", huge_pages_are_asked_for_as_told),
        ("stats_are_printed_at_the_end", stats_are_printed_at_the_end),
        ("stats_say_whose_they_are", stats_say_whose_they_are),
        ("stats_go_to_a_file_of_each_process", stats_go_to_a_file_of_each_process),
        ("stats_of_several_processes_stand_in_one_file", stats_of_several_processes_stand_in_one_file),
        ("stats_that_cannot_be_written_are_one_line", stats_that_cannot_be_written_are_one_line),
        ("stats_take_no_descriptor_of_the_program", stats_take_no_descriptor_of_the_program),
        ("a_refused_request_is_seen", a_refused_request_is_seen),
        ("heap_system_passes_through", heap_system_passes_through),
        ("heap_system_says_what_the_next_malloc_has_not", heap_system_says_what_the_next_malloc_has_not),
        ("a_privileged_program_drops_the_variable", a_privileged_program_drops_the_variable),
    ];
    let mut trials: Vec<Trial> = tests
        .iter()
        .map(|&(name, test)| {
            Trial::test(name, move || {
                test();
                Ok(())
            })
        })
        .collect();
    let skipped = !in_a_tree_with_file("", "true").is_ok_and(|output| output.status.success());
    let name = if skipped { "the_file (SKIPPED: may not mount an overlay here)" } else { "the_file" };
    trials.push(
        Trial::test(name, || {
            the_file_is_read_and_the_variable_wins();
            Ok(())
        })
        .with_ignored_flag(skipped),
    );
    libtest_mimic::run(&arguments, trials).exit();
}

/// Runs a shell script in a mount namespace of its own, in which `/etc/xalloc.conf` has this text.
fn in_a_tree_with_file(text: &str, script: &str) -> Result<Output, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    std::fs::write(directory.path().join("xalloc.conf"), text).map_err(|error| error.to_string())?;
    let script =
        format!("mount -t overlay overlay -o lowerdir={}:/etc /etc && {{ {script}; }}", directory.path().display());
    run(plain("unshare").args(["-m", "sh", "-c", &script]), Duration::from_secs(60))
}

fn stats_are_printed_at_the_end() {
    if !has("perl") {
        return;
    }
    // More blocks of its own than those of its start, whose number depends on the locale.
    let script =
        "my @blocks = map { \"x\" x 1000 . $_ } 1..2000; splice @blocks, 0, 500; if (fork == 0) { kill 9, $$ } wait";
    let said = stderr(&with("stats:true", "perl", &["-e", script]));
    assert_eq!(said.matches("statistics of ").count(), 1, "a child that is killed says nothing: {said}");
    for name in ["allocated", "active", "dirty", "metadata", "resident, at most", "retained", "mapped"] {
        assert!(said.contains(&format!("\nxalloc: {name}: ")), "{said}");
    }
    let said = stderr(&with("stats:true,heap:system", "perl", &["-e", script]));
    let value = |name: &str| -> u64 {
        let line = said.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}: {said}"));
        line.trim().parse().expect("a number")
    };
    let (allocations, frees) = (value("xalloc: allocations:"), value("xalloc: frees:"));
    let (live, peak) = (value("xalloc: allocated:"), value("xalloc: allocated at the peak:"));
    assert!(allocations > 1000 && frees > 100 && frees < allocations, "{said}");
    assert!(peak > 1_000_000 && live < peak, "{said}");
}

/// Every process, and every one that it starts.
fn stats_say_whose_they_are() {
    let output = with("stats:true", "bash", &["-c", "echo $$; ls / > /dev/null; (cat /dev/null; exit 0)"]);
    let said = stderr(&output);
    let pid = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let first_lines: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("xalloc: statistics of ")).collect();
    let names: Vec<&str> =
        first_lines.iter().filter_map(|line| line.split_once(", pid ")).map(|(name, _)| name).collect();
    assert!(names.contains(&"ls") && names.contains(&"cat"), "{said}");
    assert!(first_lines.contains(&format!("bash, pid {pid}").as_str()), "{said}");
}

/// The names of the files in a directory, and what is in them, in order.
fn files(directory: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<(String, String)> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

/// A shell and a child that it forks, which ends as a program does; both print their process id.
const FORKS: [&str; 2] = ["-c", "echo $$; (echo $BASHPID)"];

fn stats_go_to_a_file_of_each_process() {
    let directory = tempfile::tempdir().unwrap();
    let conf = format!("stats:{}/%e.%p.100%%", directory.path().display());
    let output = with(&conf, "bash", &FORKS);
    assert_eq!(stderr(&output), "");
    let mut pids: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    pids.sort();
    let found = files(directory.path());
    assert_eq!(found.len(), 2, "{found:?}");
    for ((name, text), pid) in found.iter().zip(pids) {
        assert_eq!(*name, format!("bash.{pid}.100%"));
        assert!(text.starts_with(&format!("xalloc: statistics of bash, pid {pid}\nxalloc: ")), "{text}");
        let mode = std::fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & !0o644 & 0o777, 0, "{mode:o}");
    }
}

fn stats_of_several_processes_stand_in_one_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("all"), "what was there\n").unwrap();
    let output = with(&format!("stats:{}/all", directory.path().display()), "bash", &FORKS);
    assert_eq!(stderr(&output), "");
    let text = files(directory.path()).remove(0).1;
    assert!(text.starts_with("what was there\nxalloc: statistics of bash, pid "), "{text}");
    assert!(text.matches("statistics of bash").count() == 2 && text.ends_with('\n'), "{text}");
}

/// With a reason in words, and the program ends as it would have ended.
fn stats_that_cannot_be_written_are_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    std::fs::write(path("file"), "untouched").unwrap();
    std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
    assert!(plain("mkfifo").arg(path("pipe")).status().unwrap().success());
    let long = path(&"%e".repeat(200));
    for (path, reason) in [
        (path("nowhere/file"), "there is no such directory"),
        (path("file/file"), "a part of the path is no directory"),
        (path("."), "it is a directory"),
        (path("link"), "it is a symbolic link, which is not followed"),
        (path("pipe"), "nobody reads that pipe"),
        ("/dev/full".to_owned(), "no space is left"),
        (long, "the name is too long"),
    ] {
        let mut command = preloaded("bash", &format!("stats:{path}"));
        let output = run(command.args(["-c", "exit 3"]), Duration::from_secs(60)).unwrap();
        let said = stderr(&output);
        let path = path.replace("%e", "bash");
        assert_eq!(output.status.code(), Some(3), "{said}");
        let expected = format!("xalloc: the statistics cannot be written to {path}: {reason}\n");
        // A line is cut at 511 bytes.
        assert!(said == expected || said.len() == 512 && expected.starts_with(said.trim_end()), "{said}");
    }
    assert_eq!(std::fs::read_to_string(path("file")).unwrap(), "untouched");
}

/// Neither one that is open nor one that it has closed and may expect to get again.
fn stats_take_no_descriptor_of_the_program() {
    if !has("strace") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let conf = format!("stats:{}/stats", directory.path().display());
    let command = preloaded("bash", &conf);
    let preload = format!("LD_PRELOAD={}", library().display());
    let conf = format!("XALLOC_CONF={conf}");
    let mut strace = plain("strace");
    strace.args(["-o", trace.to_str().unwrap(), "-e", "trace=openat,fcntl,write,close", "-E", &preload, "-E", &conf]);
    strace.arg(command.get_program()).args(["-c", "exec 0<&- 1>&- 2>&-"]);
    succeed(&mut strace, Duration::from_secs(60)).unwrap();
    let text = std::fs::read_to_string(trace).unwrap();
    let line = text.lines().find(|line| line.contains("\"xalloc: statistics of")).unwrap_or_else(|| panic!("{text}"));
    let descriptor: u32 = line["write(".len()..].split(',').next().unwrap().parse().expect("a number");
    assert!(descriptor >= 900, "{text}");
    assert!(text.contains(&format!("close({descriptor})")), "{text}");
}

/// The heap survives it, and so does the program: only these lines say that there was something to survive.
fn a_refused_request_is_seen() {
    let said = stderr(&with("fail_mapping:3,verbose:true", "bash", &["-c", "exit 0"]));
    let lines: Vec<&str> = said.lines().skip(1).collect();
    assert_eq!(lines, ["xalloc: fail_mapping: request 3 for memory was refused"]);
    let said = stderr(&with("fail_mapping:3,stats:true", "bash", &["-c", "exit 0"]));
    assert_eq!(said.lines().nth(1), Some("xalloc: fail_mapping: request 3 for memory was refused"));
    let refused = said.lines().find_map(|line| line.strip_prefix("xalloc: requests refused:")).unwrap();
    assert_eq!(refused.trim(), "1");
    let said = stderr(&with("fail_mapping:100000,stats:true", "bash", &["-c", "exit 0"]));
    let made = said.lines().nth(1).and_then(|line| {
        line.strip_prefix("xalloc: fail_mapping: request 100000 for memory did not come: the process made ")
    });
    assert!(made.is_some_and(|made| (1..1000).contains(&made.parse().unwrap_or(0))), "{said}");
}

fn the_file_is_read_and_the_variable_wins() {
    let text = "# the house's rules\nverbose:true # say so\nheep:fast,invalid:report\n";
    let complaint = "xalloc: /etc/xalloc.conf: there is no option 'heep': did you mean 'heap'?\n";
    let script = format!("LD_PRELOAD={} true", library().display());
    let said = stderr(&in_a_tree_with_file(text, &format!("env {script}")).unwrap());
    assert!(said.starts_with(&format!("{complaint}xalloc ")), "{said}");
    let said = stderr(&in_a_tree_with_file(text, &format!("env XALLOC_CONF=verbose:false {script}")).unwrap());
    assert_eq!(said, complaint);
    let written = tempfile::tempdir().unwrap();
    let text = format!("stats:{}/%e # for each program\n", written.path().display());
    assert_eq!(stderr(&in_a_tree_with_file(&text, &format!("env {script}")).unwrap()), "");
    assert_eq!(files(written.path()).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["true"]);
    // What goes on beyond the end is not half obeyed.
    let text = format!("{}\nverbose:true\n", "#".repeat(4096 - "\nverbose:tr".len()));
    let said = stderr(&in_a_tree_with_file(&text, &format!("env {script}")).unwrap());
    assert_eq!(said, "xalloc: /etc/xalloc.conf is too long: what stands beyond 4096 bytes has no effect\n");
}

fn with(conf: &str, program: &str, arguments: &[&str]) -> Output {
    let mut command = preloaded(program, conf);
    succeed(command.args(arguments), Duration::from_secs(60)).unwrap_or_else(|error| panic!("{error}"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn says_nothing_unasked() {
    for program in ["true", "ls"] {
        assert_eq!(stderr(&with("", program, &[])), "");
    }
}

fn verbose_is_one_line_with_version_heap_program_and_pid() {
    for (conf, heap) in [("verbose:true", heaps::chosen().name), ("verbose:true,heap:system", "system")] {
        // The shell prints its own process id, so that the line's can be compared.
        let output = with(conf, "sh", &["-c", "echo $$"]);
        let pid = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(stderr(&output), format!("xalloc {version}: heap {heap}, program sh, pid {pid}\n"));
    }
    let said = stderr(&with("verbose:true,background_thread:true", "true", &[]));
    assert!(said.ends_with(", background thread\n") && said.lines().count() == 1, "{said}");
}

fn a_mistake_is_one_line_and_the_program_runs_on() {
    for (conf, expected) in [
        ("verbos:true", "xalloc: XALLOC_CONF: there is no option 'verbos': did you mean 'verbose'?\n"),
        ("nonsense:1", "xalloc: XALLOC_CONF: there is no option 'nonsense'\n"),
        ("heap:sytem", "xalloc: XALLOC_CONF: 'sytem' is no value of option 'heap': did you mean 'system'?\n"),
        ("verbose:1", "xalloc: XALLOC_CONF: '1' is no value of option 'verbose' (write true or false)\n"),
        ("purge_ms:1s", "xalloc: XALLOC_CONF: '1s' is no value of option 'purge_ms' (write a number)\n"),
        ("thp:on", "xalloc: XALLOC_CONF: 'on' is no value of option 'thp' (write default or never or always)\n"),
        ("stats:tru", "xalloc: XALLOC_CONF: 'tru' is no value of option 'stats': did you mean 'true'?\n"),
        (
            "stats:/tmp/%x",
            "xalloc: XALLOC_CONF: '/tmp/%x' is no value of option 'stats' (write true, false, or a path that begins with '/', in \
             which % is followed by p, e or %)\n",
        ),
        ("verbose", "xalloc: XALLOC_CONF: 'verbose' has no value (write name:value)\n"),
        ("heap\x1b[2J:1", "xalloc: XALLOC_CONF: there is no option 'heap?[2J'\n"),
    ] {
        assert_eq!(stderr(&with(conf, "true", &[])), expected, "{conf}");
    }
}

/// The library says so of an option in the table that it does nothing about. What each one does is tested here, in
/// `misuse.rs`, in `memory_pressure.rs`, in `purge.rs` and in `background_thread.rs`.
/// Of options of `pow2`, with which a program would otherwise take all memory at its first allocations.
fn a_value_that_is_too_large_is_one_line() {
    for (name, most) in [("central_pages", 1024), ("grow", 1000), ("thread_cache_count", 64)] {
        for value in ["1000000", "18446744073709551615"] {
            let output = with(&format!("heap:pow2,{name}:{value}"), "true", &[]);
            let expected =
                format!("xalloc: XALLOC_CONF: {name} cannot be {value} (it is {most} at most): {most} is used\n");
            assert_eq!((output.status.success(), stderr(&output)), (true, expected));
        }
    }
}

fn the_library_knows_every_option() {
    for setting in xalloc_options::OPTIONS {
        let conf = format!("{}:{}", setting.name, setting.default);
        assert_eq!(stderr(&with(&conf, "true", &[])), "", "{conf}");
    }
}

/// `thp`, and `profile`, which decides if it is not given: seen in the flags of the process's mappings.
fn huge_pages_are_asked_for_as_told() {
    if !has("perl") {
        return;
    }
    if !Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
        return skip("the kernel has no transparent huge pages");
    }
    let script = "my $block = 'x' x $ARGV[0]; $block .= 'x' x 100_000 while length $block < $ARGV[1]; open my $maps, '<', '/proc/self/smaps';
        print 0 + grep { /^VmFlags:.* hg/ } <$maps>";
    for (conf, first, last, asked) in [
        ("thp:default", "100", "100", false),
        ("thp:default", "8000000", "8000000", false),
        ("thp:default", "100", "8000000", true),
        ("thp:always", "100", "100", true),
        ("thp:always", "8000000", "8000000", true),
        ("thp:never", "100", "8000000", false),
        ("profile:speed", "100", "8000000", true),
        ("profile:lean", "100", "8000000", false),
        ("profile:lean,thp:default", "100", "8000000", true),
    ] {
        let run = || with(conf, "perl", &["-e", script, first, last]);
        let mut output = run();
        // On a busy machine the first huge page may take so long that the library asks for no more.
        for _ in 0..4 {
            if asked && &*output.stdout == b"0" {
                output = run();
            }
        }
        assert_eq!(&*output.stdout != b"0", asked, "{conf}, a block of {first} bytes, then {last}: {output:?}");
    }
}

fn heap_system_passes_through() {
    let program = fixture("bindings.cpp", &[]);
    assert_eq!(stderr(&with("heap:system", program.to_str().unwrap(), &[])), "");
    if has("python3") {
        assert_eq!(stderr(&with("heap:system", "python3", &["-c", "print(sum(range(1000)))"])), "");
    }
    // The next allocator answers for itself: glibc's document has sizes of chunks in it, ours has none.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("info.xml");
    promises::check(promises::on_xalloc("malloc_info_writes_xml", "heap:system").env("XML", &path)).unwrap();
    assert!(std::fs::read_to_string(path).unwrap().contains(" from=\""));
}

fn heap_system_says_what_the_next_malloc_has_not() {
    if emulator().is_some() {
        return skip("the two libraries would be preloaded into the emulator");
    }
    let program = fixture("bindings.cpp", &[]);
    // The last one need not be there.
    for (hidden, is_needed) in [("memalign", true), ("malloc_usable_size", true), ("malloc_trim", false)] {
        let hides = fixture("hides.c", &["-shared", "-fPIC", &format!("-DHIDE=\"{hidden}\"")]);
        let both = std::env::join_paths([library(), &hides]).unwrap();
        let mut command = plain(&program);
        command.env("LD_PRELOAD", both).env("XALLOC_CONF", "heap:system");
        let output = succeed(&mut command, Duration::from_secs(60)).unwrap_or_else(|error| panic!("{error}"));
        let line = format!(
            "xalloc: heap:system: no library behind this one has {hidden}: every block gets a mapping of its own, which is \
             slow; use heap:fast\n"
        );
        assert_eq!(stderr(&output), if is_needed { &*line } else { "" });
    }
}

/// A program with more rights than its caller is not configured, and hands the variable on to nobody. The library is linked in,
/// because such a program is not preloaded into.
fn a_privileged_program_drops_the_variable() {
    const NOBODY: u32 = 65534;
    if !rustix::process::getuid().is_root() {
        return skip("only the superuser can make a program of another user");
    }
    let directory = tempfile::tempdir().unwrap();
    let copied = directory.path().join("libxalloc.so");
    copy(library(), &copied);
    let rpath = format!("-Wl,-rpath,{}", directory.path().display());
    let flags = ["-Wl,--no-as-needed", copied.to_str().unwrap(), &rpath];
    let program = directory.path().join("privileged");
    copy(fixture("privileged.c", &flags), &program);
    // Changing the owner takes the bit away.
    std::os::unix::fs::chown(&program, Some(NOBODY), None).unwrap();
    for (path, mode) in [(directory.path(), 0o755), (&copied, 0o644), (&program, 0o4755)] {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let mut command = plain(&program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("FIRST", "1")
        .env("XALLOC_CONF", "verbose:true")
        .env("YES", "2");
    let output = run(&mut command, Duration::from_secs(60)).unwrap();
    if output.status.code() == Some(77) {
        return skip("this file system gives programs no more rights than their caller's");
    }
    assert_eq!(stderr(&output), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "FIRST=1\nPATH=/usr/bin:/bin\nYES=2\n", "{output:?}");
    // Nor does it write where its caller may not.
    let file = directory.path().join("stats");
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    command.arg("end").env("XALLOC_CONF", format!("stats:{}", file.display()));
    let output = run(&mut command, Duration::from_secs(60)).unwrap();
    assert!(output.status.success() && !file.exists(), "{output:?}");
}
