//! What is counted of a process that is observed: work that leaves nothing behind counts to zero, in every class.
#![cfg(target_os = "linux")]

use memmap2::MmapRaw;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::AtomicU64;
use xalloc_observe::layout::SIZE;
use xalloc_observe::reader::{Counts, View};
use xalloc_tests::{fixture, preloaded};

/// The mapped segment of a process.
struct Segment(MmapRaw);

impl Segment {
    fn of(process: u32) -> Self {
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("a process of ours");
        let is_segment = |path: &std::path::PathBuf| {
            fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("/memfd:xalloc "))
        };
        let path = descriptors.flatten().map(|entry| entry.path()).find(is_segment).expect("a segment");
        let file = OpenOptions::new().read(true).write(true).open(path).expect("a file of ours");
        Self(MmapRaw::map_raw(&file).expect("a mapping"))
    }

    fn view(&self) -> View<'_> {
        assert_eq!(self.0.len(), SIZE);
        // SAFETY: a mapping of this size, for as long as `self` lives; all of it is read by atomic operations.
        let words = unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<AtomicU64>(), SIZE / 8) };
        View::new(words).expect("a segment that can be read")
    }

    /// What was counted of each class, in all slots together.
    fn counts(&self) -> Vec<Counts> {
        let view = self.view();
        view.consistent(|| {
            let slots = 0..view.used_slots();
            let classes = 0..view.classes();
            let frees: Vec<Vec<Counts>> =
                classes.clone().map(|class| slots.clone().map(|slot| view.frees(slot, class)).collect()).collect();
            classes
                .map(|class| {
                    let of_slot = |slot| view.allocations(slot, class, frees[class][slot]);
                    slots.clone().map(of_slot).fold(Counts::default(), sum)
                })
                .collect()
        })
    }
}

fn sum(a: Counts, b: Counts) -> Counts {
    Counts {
        allocations: a.allocations + b.allocations,
        frees: a.frees + b.frees,
        remote_frees: a.remote_frees + b.remote_frees,
        requested: a.requested + b.requested,
        allocated: a.allocated + b.allocated,
        freed: a.freed + b.freed,
    }
}

/// The blocks in use and their bytes.
fn live(counts: Counts) -> (u64, u64) {
    let frees = counts.frees + counts.remote_frees;
    assert!(frees <= counts.allocations && counts.freed <= counts.allocated, "less than nothing: {counts:?}");
    (counts.allocations - frees, counts.allocated - counts.freed)
}

/// The program of observed.c, which stops and says which process works.
struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start(arguments: &[&str], conf: &str) -> Self {
        let mut command = preloaded(fixture("observed.c", &[]), conf);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a program that starts");
        let (input, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Self { child, input, output: BufReader::new(output) }
    }

    /// Waits until it stops, and returns which process does.
    fn stopped(&mut self) -> u32 {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a pipe");
        line.trim().parse().expect("a process id")
    }

    fn go_on(&mut self) {
        self.input.write_all(b"x").expect("a pipe");
    }

    fn end(mut self) {
        self.go_on();
        let status = self.child.wait().expect("a child");
        assert!(status.success(), "{status}");
    }
}

/// Has the program do its work, and checks that nothing is left of it, and how much it was.
fn is_balanced(arguments: &[&str], conf: &str, least: u64) {
    let mut program = Program::start(arguments, conf);
    let segment = Segment::of(program.stopped());
    let before = segment.counts();
    program.go_on();
    program.stopped();
    let after = segment.counts();
    for (class, (before, after)) in before.iter().zip(&after).enumerate() {
        let limit = segment.view().limit(class);
        assert_eq!(
            live(*before),
            live(*after),
            "{arguments:?} {conf}: blocks of up to {limit} bytes: {before:?} {after:?}"
        );
    }
    let allocated: u64 = after.iter().zip(&before).map(|(after, before)| after.allocations - before.allocations).sum();
    assert!(allocated >= least, "{arguments:?} {conf}: only {allocated} blocks were counted");
    program.end();
}

const CONFS: [&str; 5] = [
    "observe:true",
    "observe:true,heap:pow2",
    "observe:true,heap:system",
    "observe:true,profile:lean",
    "observe:true,purge_ms:0",
];

#[test]
fn blocks_that_other_threads_free_count_to_zero() {
    for conf in CONFS {
        is_balanced(&["for_each_other"], conf, 64 * 2000);
    }
}

#[test]
fn resized_and_aligned_blocks_count_to_zero() {
    for conf in CONFS {
        is_balanced(&["resized"], conf, 30);
        is_balanced(&["aligned"], conf, 50);
    }
}

#[test]
fn what_threads_free_while_they_end_counts_to_zero() {
    for conf in CONFS {
        is_balanced(&["freed_late"], conf, 200);
    }
}

#[test]
fn a_forked_child_has_a_segment_of_its_own() {
    for conf in CONFS {
        is_balanced(&["for_each_other", "child"], conf, 64 * 2000);
    }
}
