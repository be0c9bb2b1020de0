//! The report, for people. As JSON it is the same, by serde.

use super::advice;
use super::bindings::{Bindings, Elsewhere};
use super::observation::{Measured, Observation};
use crate::binary::{Binary, Examination, Finding, Linking, Severity};
use crate::output::percent;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::{Display, Formatter, Result};

/// The number of references of one kind that are listed at most.
const LISTED: usize = 12;

/// The examination of the program, and the observations of a run.
#[derive(Serialize)]
pub struct Report<'a> {
    /// The examination of the program.
    #[serde(flatten)]
    pub examination: &'a Examination,
    /// Whether a run was wanted but there is an obstacle.
    #[serde(skip)]
    pub not_run: bool,
    /// The observations of the run.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "with_advice")]
    pub run: Option<&'a Observation>,
}

fn with_advice<S: serde::Serializer>(
    run: &Option<&Observation>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Run<'a> {
        #[serde(flatten)]
        observation: &'a Observation,
        served: Option<bool>,
        share: Option<f64>,
        advice: Vec<String>,
    }
    run.map(|run| Run { observation: run, served: run.served(), share: run.share(), advice: advice::all(run) })
        .serialize(serializer)
}

impl Display for Report<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Examination { chain, binary, findings } = self.examination;
        for (script, interpreter) in chain.iter().zip(chain.iter().skip(1)) {
            writeln!(out, "{} is run by {}", script.display(), interpreter.display())?;
        }
        writeln!(out, "{}: {}", binary.path.display(), described(binary))?;
        findings.iter().try_for_each(|finding| write_finding(out, finding))?;
        if self.not_run {
            return writeln!(out, "Not run: a preload cannot work here, or does harm. --force runs it all the same.");
        }
        let has_obstacle = self.examination.obstacles().next().is_some();
        match self.run {
            Some(run) => write_run(out, run, has_obstacle),
            None if has_obstacle => Ok(()),
            None if self.examination.warnings().next().is_some() => {
                writeln!(
                    out,
                    "Nothing certain stands in the way of preloading a malloc: xalloc doctor --run shows what it does."
                )
            }
            None => writeln!(out, "Nothing stands in the way of preloading a malloc."),
        }
    }
}

fn described(binary: &Binary) -> String {
    let linking = match binary.linking {
        Linking::Dynamic => "dynamically linked",
        Linking::Static => "statically linked",
        Linking::StaticPie => "statically linked (static-pie)",
        Linking::Library => "shared library",
    };
    let mut words = vec![binary.processor.to_string(), linking.to_owned()];
    words.extend(binary.c_library.map(|library| library.to_string()));
    words.extend(binary.stripped.then(|| "stripped".to_owned()));
    if !binary.other_processors.is_empty() {
        let others: Vec<String> = binary.other_processors.iter().map(ToString::to_string).collect();
        words.push(format!("also for {}", others.join(", ")));
    }
    words.join(", ")
}

fn write_finding(out: &mut Formatter<'_>, finding: &Finding) -> Result {
    let severity = match finding.severity {
        Severity::Obstacle => "obstacle",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    writeln!(out, "{severity} {}: {}", finding.code, finding.reason)?;
    writeln!(out, "    {}", finding.way_out)
}

fn write_run(out: &mut Formatter<'_>, run: &Observation, has_obstacle: bool) -> Result {
    writeln!(out, "Run with {}, ended with {}.", run.library.display(), run.ended)?;
    write_bindings(out, run, has_obstacle)?;
    write_numbers(out, run)?;
    for advice in advice::all(run) {
        writeln!(out, "advice: {advice}")?;
    }
    Ok(())
}

fn write_bindings(out: &mut Formatter<'_>, run: &Observation, has_obstacle: bool) -> Result {
    let place = match run.loaded {
        Some(true) => "in the process",
        Some(false) => {
            let why = match has_obstacle {
                true => "the obstacle above keeps it out; programs that it starts may have it",
                false => "something on the way to the program removes LD_PRELOAD",
            };
            return writeln!(out, "  library        NOT in the process: {why}");
        }
        None => "not known to be in the process, which ended too soon or could not be examined",
    };
    let bindings = match &run.bindings {
        Measured::Measured(bindings) => bindings,
        Measured::NotMeasured(reason) => {
            return writeln!(out, "  library        {place}; whose malloc each reference got is not known: {reason}");
        }
    };
    let Bindings { proved, elsewhere, followed, children, children_proved, children_elsewhere } = bindings;
    writeln!(
        out,
        "  library        {place}: of its {} names {} are referred to and get its definition, {} another one",
        run.names,
        proved.len(),
        elsewhere.iter().map(|reference| &reference.name).collect::<BTreeSet<_>>().len()
    )?;
    write_elsewhere(out, elsewhere)?;
    if !followed {
        writeln!(out, "                 modules opened later and children were not followed (--bindings does)")?;
    } else if *children > 0 {
        writeln!(
            out,
            "  children       {children} reported their bindings; in {children_proved} of them the library got every reference"
        )?;
        write_elsewhere(out, children_elsewhere)?;
    }
    Ok(())
}

fn write_elsewhere(out: &mut Formatter<'_>, references: &BTreeSet<Elsewhere>) -> Result {
    for Elsewhere { name, from, to, why } in references.iter().take(LISTED) {
        writeln!(out, "                 {name} of {from} is {to}'s: {why}")?;
    }
    match references.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "                 and {more} more (--json lists all)"),
    }
}

fn write_numbers(out: &mut Formatter<'_>, run: &Observation) -> Result {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let how = if run.threads.counted { "counted" } else { "seen, looking every 5 ms" };
    writeln!(out, "  threads        {} at a time in one process ({how})", run.threads.most)?;
    match &run.sampled {
        Measured::Measured(sampled) => {
            let share = run.share().map_or("none".to_owned(), percent);
            writeln!(
                out,
                "  in the library {share} of the program's own time ({} of {} samples)",
                sampled.inside, sampled.samples
            )?;
            if sampled.lost > 0 {
                writeln!(out, "                 {} records were lost: the machine was too busy", sampled.lost)?;
            }
            writeln!(out, "  processes      {}", sampled.processes)?;
        }
        Measured::NotMeasured(reason) => writeln!(out, "  in the library not measured: {reason}")?,
    }
    writeln!(
        out,
        "  time           {:.3} s; processor {:.3} s in the program, {:.3} s in the kernel",
        run.wall, run.user, run.system
    )?;
    writeln!(out, "  peak           {:.1} MiB in one process", mib(run.peak))?;
    writeln!(out, "  page faults    {}, and {} that needed a disk", run.minor_faults, run.major_faults)?;
    writeln!(out, "  waits          {}; preempted {} times", run.voluntary_switches, run.involuntary_switches)?;
    let seen =
        run.huge_pages.map_or("over too soon to see any".to_owned(), |huge| format!("{:.1} MiB seen", mib(huge)));
    writeln!(out, "  huge pages     {} on this system; {seen}", run.huge_pages_setting)
}
