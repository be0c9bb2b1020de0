//! What the library holds when a peak is over: memory goes back to the kernel late, in portions, and then all of it. And how
//! high the peak is.

use std::time::Duration;
use xalloc_tests::{fixture, plain, preloaded, run};

/// Resident KiB at the base, at the peak and after it.
fn sizes(mut command: std::process::Command) -> [i64; 3] {
    let output = run(&mut command, Duration::from_secs(600)).expect("it ends");
    assert!(output.status.success(), "{command:?}: {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let sizes: Vec<i64> = text.lines().map(|line| line.parse().expect("a number")).collect();
    sizes.try_into().expect("three lines")
}

fn check(way: &str, conf: &str, mebibytes: i64, large: &str) {
    let program = fixture("purge.c", &[]);
    let mut command = preloaded(&program, conf);
    command.args([way, &mebibytes.to_string(), large]);
    let [base, peak, after] = sizes(command);
    assert!(peak >= base + mebibytes * 1000, "{base} KiB, then only {peak}");
    assert!(after * 10 <= base * 11, "{way} {conf}: {base} KiB, then {peak}, then {after}");
}

#[test]
fn all_goes_back_after_a_peak() {
    check("activity", "", 2048, "0");
}

#[test]
fn runs_go_back_too() {
    check("activity", "", 512, "100");
}

#[test]
fn on_small_pages_as_well() {
    check("activity", "thp:never", 512, "0");
}

#[test]
fn trim_gives_it_back_at_once() {
    check("trim", "", 512, "100");
}

/// The other side: what is wanted again soon is still there.
#[test]
fn nothing_goes_back_before_its_time() {
    let program = fixture("purge.c", &[]);
    let mut command = preloaded(&program, "purge_ms:100000");
    command.args(["activity", "512", "0", "2"]);
    let [base, peak, after] = sizes(command);
    assert!(after - base >= (peak - base) / 2, "{base} KiB, then {peak}, then {after}");
    let mut system = plain(&program);
    system.args(["trim", "512", "0"]);
    let [base, _, after] = sizes(system);
    assert!(after * 10 <= base * 11, "the fixture frees what it allocates: {base} {after}");
}

/// Free blocks of one kind do not wait while another kind needs memory.
#[test]
fn phases_of_small_and_large_blocks_hold_little_more_than_one() {
    const MEBIBYTES: i64 = 120;
    let program = fixture("phases.c", &[]);
    // Three kinds would hold three times as much.
    for (conf, slack) in [("", 100), ("profile:lean", 50)] {
        let mut command = preloaded(&program, conf);
        command.arg((MEBIBYTES << 20).to_string());
        let output = run(&mut command, Duration::from_secs(120)).expect("it ends");
        assert!(output.status.success(), "{conf}: {}", output.status);
        let peak: i64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
        assert!(peak <= (MEBIBYTES + slack) << 10, "{conf}: {peak} KiB");
    }
}

/// What comes back in other ways than by `free` of a thread's own blocks counts, and so does what is only just worth purging.
#[test]
fn every_kind_of_drop_is_noticed() {
    let program = fixture("light_traffic.c", &["-pthread"]);
    for way in ["few", "again", "shrink", "owners"] {
        let mut command = preloaded(&program, "");
        command.args([way, "0", "100"]);
        let [base, peak, after] = sizes(command);
        assert!(peak * 100 > base * 112, "{way}: {base} KiB, then only {peak}");
        assert!(after * 10 <= base * 11, "{way}: {base} KiB, then {peak}, then {after}");
    }
}

/// A process that goes from much to little comes down although it does next to nothing from then on, whichever thread had the peak.
#[test]
fn light_traffic_is_enough() {
    let program = fixture("light_traffic.c", &["-pthread"]);
    let sizes_of_blocks = ["64", "1000", "20000", "300000"];
    let main = ["", "purge_ms:100", "profile:lean", "thp:never"]
        .into_iter()
        .flat_map(|conf| sizes_of_blocks.map(|size| (conf, "main", size, "100")));
    let same_class = sizes_of_blocks.map(|size| ("", "main", size, size));
    let others =
        ["worker", "sleeper", "busy"].into_iter().flat_map(|who| sizes_of_blocks.map(|size| ("", who, size, "100")));
    let busy_in_same_class = sizes_of_blocks.map(|size| ("", "busy", size, size));
    let running: Vec<_> = main
        .chain(same_class)
        .chain(others)
        .chain(busy_in_same_class)
        .map(|(conf, who, size, traffic)| {
            let mut command = preloaded(&program, conf);
            command.args([who, size, traffic]);
            std::thread::spawn(move || (format!("{conf} {who} {size} {traffic}"), self::sizes(command)))
        })
        .collect();
    let mut failures = Vec::new();
    for thread in running {
        let (row, [base, peak, after]) = thread.join().expect("it was measured");
        if peak < base + 190_000 || after * 10 > base * 11 {
            failures.push(format!("{row}: {base} KiB, then {peak}, then {after}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
