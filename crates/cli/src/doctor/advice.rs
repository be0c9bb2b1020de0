//! Advice from a run, in plain words, each with the numbers on which it is based. Each rule is a function.

use super::observation::Observation;
use crate::output::percent;

type Rule = fn(&Observation) -> Option<String>;

const RULES: &[Rule] = &[
    too_short,
    little_malloc,
    much_malloc,
    waits,
    one_thread,
    in_the_kernel,
    touches_memory_again,
    large,
    huge_pages_everywhere,
];

/// The number of samples below which a share means nothing.
const ENOUGH_SAMPLES: u64 = 100;
const MIB: f64 = (1_u64 << 20) as f64;

/// The greatest time that a page fault takes, in seconds: the way into the kernel and back, and a page to clear.
const FAULT: f64 = 3e-6;
/// The greatest time that a fault for a huge page takes; it has five hundred times as much to clear.
const HUGE_FAULT: f64 = 1e-3;
const HUGE_PAGE: u64 = 2 << 20;

/// Returns all advice that applies. None if the library was not in the run, or if that is not known: such a run does not show
/// what the library would do.
pub fn all(run: &Observation) -> Vec<String> {
    if run.loaded != Some(true) {
        return Vec::new();
    }
    RULES.iter().filter_map(|rule| rule(run)).collect()
}

fn too_short(run: &Observation) -> Option<String> {
    let samples = run.sampled.value()?.samples;
    (samples < ENOUGH_SAMPLES)
        .then(|| format!("{samples} samples of the program's time are too few to judge by: let it do more work."))
}

fn little_malloc(run: &Observation) -> Option<String> {
    let share = reliable_share(run).filter(|share| *share < 0.02)?;
    Some(format!(
        "{} of the program's own time is spent in malloc and free: another allocator will change its speed little, and its memory perhaps.",
        percent(share)
    ))
}

fn much_malloc(run: &Observation) -> Option<String> {
    let share = reliable_share(run).filter(|share| *share >= 0.1)?;
    Some(format!(
        "{} of the program's own time is spent in malloc and free: it is worth comparing allocators (xalloc compare).",
        percent(share)
    ))
}

fn waits(run: &Observation) -> Option<String> {
    let busy = (run.user + run.system) / run.wall;
    (run.wall >= 0.1 && busy < 0.5).then(|| {
        format!(
            "The processor was busy for {} of the {:.2} s: the program waits for files, the network, a timer or other programs, which no allocator shortens.",
            percent(busy),
            run.wall
        )
    })
}

fn one_thread(run: &Observation) -> Option<String> {
    (run.threads.counted && run.threads.most == 1).then(|| {
        "No process of it has more than one thread: what an allocator does for many threads is of no use to it."
            .to_owned()
    })
}

fn in_the_kernel(run: &Observation) -> Option<String> {
    let all = run.user + run.system;
    if all < 0.1 || run.system <= run.user {
        return None;
    }
    let explanation = explain(run)?;
    Some(format!("{} of the processor's time is spent in the kernel: {explanation}", percent(run.system / all)))
}

/// Returns an explanation of what the kernel does, if the numbers show it.
fn explain(run: &Observation) -> Option<String> {
    // Not for children, which are not observed, and not for a program that maps and unmaps huge pages, of which not each one is
    // observed.
    let alone = run.sampled.value().is_some_and(|sampled| sampled.processes == 1);
    let no_huge_pages =
        matches!(run.huge_pages_setting.as_str(), "never" | "none") || (alone && run.huge_pages == Some(0));
    let huge = (run.huge_pages.unwrap_or(0) / HUGE_PAGE) as f64;
    if run.minor_faults as f64 * FAULT + huge * HUGE_FAULT >= run.system / 2.0 {
        let pages = format!("{} page faults", run.minor_faults);
        let huge = if huge > 0.0 { ", some of them for huge pages," } else { "" };
        Some(format!("{pages}{huge} can account for most of it, in which it hands out memory and clears it first."))
    } else if no_huge_pages {
        Some("most of it is not for page faults: look at its system calls (strace -c).".to_owned())
    } else {
        None
    }
}

fn touches_memory_again(run: &Observation) -> Option<String> {
    // Children begin with faults of their own, and their memory is not in the peak.
    let alone = run.sampled.value().is_some_and(|sampled| sampled.processes == 1);
    let touched = run.minor_faults as f64 * run.page_size as f64;
    (run.xalloc && alone && run.peak as f64 >= 32.0 * MIB && touched > 3.0 * run.peak as f64).then(|| {
        format!(
            "{} page faults for a peak of {:.0} MiB: memory is purged and touched again. XALLOC_CONF=purge_ms:10000 keeps it longer.",
            run.minor_faults,
            run.peak as f64 / MIB
        )
    })
}

fn large(run: &Observation) -> Option<String> {
    (run.xalloc && run.peak as f64 >= 256.0 * MIB).then(|| {
        format!(
            "The peak is {:.0} MiB: if memory is what you are short of, try XALLOC_CONF=profile:lean, which takes some time.",
            run.peak as f64 / MIB
        )
    })
}

fn huge_pages_everywhere(run: &Observation) -> Option<String> {
    let huge =
        run.huge_pages.filter(|huge| run.xalloc && *huge * 2 > run.peak && run.huge_pages_setting == "always")?;
    Some(format!(
        "{:.0} MiB were seen in huge pages, which this system gives to every program: XALLOC_CONF=thp:never may need less memory.",
        huge as f64 / MIB
    ))
}

fn reliable_share(run: &Observation) -> Option<f64> {
    run.share().filter(|_| run.sampled.value().is_some_and(|sampled| sampled.samples >= ENOUGH_SAMPLES))
}

#[cfg(test)]
mod tests {
    use super::super::observation::Sampled;
    use super::super::observation::{Measured, Threads};
    use super::*;

    /// A run to which no rule applies, changed.
    fn advice(change: impl FnOnce(&mut Observation)) -> Vec<String> {
        let sampled = Sampled { samples: 1000, inside: 50, threads: 4, processes: 1, mapped: Some(true), lost: 0 };
        let mut run = Observation {
            library: "/lib/libxalloc.so".into(),
            xalloc: true,
            exit_code: Some(0),
            ended: "exit status: 0".into(),
            loaded: Some(true),
            names: 60,
            bindings: Measured::NotMeasured(String::new()),
            threads: Threads { most: 4, counted: true },
            sampled: Measured::Measured(sampled),
            wall: 1.0,
            user: 0.9,
            system: 0.05,
            peak: 100 << 20,
            minor_faults: 25_600,
            major_faults: 0,
            voluntary_switches: 10,
            involuntary_switches: 10,
            page_size: 4096,
            huge_pages_setting: "madvise".into(),
            huge_pages: Some(0),
        };
        change(&mut run);
        all(&run)
    }

    fn sampled(samples: u64, inside: u64) -> Measured<Sampled> {
        Measured::Measured(Sampled { samples, inside, threads: 4, processes: 1, mapped: Some(true), lost: 0 })
    }

    /// Exactly one rule applies, and says this.
    fn only(advice: Vec<String>, words: &str) {
        assert!(advice.len() == 1 && advice[0].contains(words), "{advice:?} is not only '{words}'");
    }

    #[test]
    fn an_ordinary_run_needs_none() {
        assert_eq!(advice(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn the_share_of_malloc() {
        only(advice(|run| run.sampled = sampled(1000, 12)), "1.2 % of the program's own time");
        only(advice(|run| run.sampled = sampled(1000, 250)), "25 % of the program's own time");
        only(advice(|run| run.sampled = sampled(99, 1)), "99 samples");
    }

    #[test]
    fn where_the_time_goes() {
        only(advice(|run| run.wall = 10.0), "busy for 9.5 %");
        only(advice(|run| run.threads.most = 1), "more than one thread");
        assert!(advice(|run| run.threads = Threads { most: 1, counted: false }).is_empty());
    }

    #[test]
    fn what_the_kernel_does() {
        let kernel = |change: fn(&mut Observation)| {
            advice(|run| {
                (run.user, run.system) = (0.2, 0.75);
                change(run);
            })
        };
        only(kernel(|_| {}), "look at its system calls");
        only(kernel(|run| run.huge_pages_setting = "never".into()), "look at its system calls");
        let many = |run: &mut Observation| (run.minor_faults, run.peak) = (200_000, 250 << 20);
        let words =
            "79 % of the processor's time is spent in the kernel: 200000 page faults can account for most of it";
        assert!(kernel(many).iter().any(|advice| advice.contains(words)), "{:?}", kernel(many));
        let huge = |run: &mut Observation| (run.minor_faults, run.huge_pages) = (600, Some(1 << 30));
        only(kernel(huge), "600 page faults, some of them for huge pages, can account");
        // There may have been more of them.
        assert!(kernel(|run| run.huge_pages = Some(4 << 20)).is_empty());
        assert!(kernel(|run| run.huge_pages = None).is_empty());
        assert!(kernel(|run| run.sampled = Measured::NotMeasured(String::new())).is_empty());
    }

    #[test]
    fn a_run_without_the_library_has_none() {
        for loaded in [Some(false), None] {
            assert!(advice(|run| (run.loaded, run.sampled) = (loaded, sampled(1000, 0))).is_empty());
        }
    }

    #[test]
    fn memory() {
        only(advice(|run| run.minor_faults = 100_000), "purge_ms");
        only(advice(|run| run.peak = 600 << 20), "profile:lean");
        let huge = |run: &mut Observation| (run.huge_pages, run.huge_pages_setting) = (Some(90 << 20), "always".into());
        only(advice(huge), "thp:never");
        assert!(advice(|run| (run.huge_pages, run.xalloc) = (Some(90 << 20), false)).is_empty());
    }
}
