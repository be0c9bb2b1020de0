//! Folded stacks: a line each, for flamegraph.pl, inferno and speedscope.

use crate::report::{NamedStack, Report};
use crate::{Figure, report::Frame};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Returns a line for each stack of functions, `main;serve;parse 4096`: the outermost first, and how much of `figure`. Stacks
/// with nothing of it, or less than nothing in a difference, are left out, because no reader takes them.
pub fn folded(report: &Report, figure: Figure) -> String {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for stack in &report.stacks {
        let sum = sums.entry(line(stack)).or_default();
        *sum = sum.saturating_add(figure.of(stack.counts));
    }
    let mut text = String::new();
    for (line, sum) in sums.iter().filter(|(_, sum)| **sum > 0) {
        writeln!(text, "{line} {sum}").expect("writing to a string");
    }
    text
}

fn line(stack: &NamedStack) -> String {
    let functions: Vec<String> = stack.frames().rev().map(|(_, frame)| word(frame)).collect();
    if functions.is_empty() { "no stack".into() } else { functions.join(";") }
}

/// Returns a function's name without what ends a name in this format.
fn word(frame: &Frame) -> String {
    frame.function.replace(';', ":").replace(char::is_control, " ")
}
