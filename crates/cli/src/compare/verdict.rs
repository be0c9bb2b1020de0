//! The conclusion of a comparison, in words.

use super::entry::{Entry, Verdict};
use super::figure::Figure;
use super::report::Report;
use crate::measure::significance::ENOUGH;
use crate::measure::statistics::geometric_mean;
use crate::output::percent;

/// Returns a line for the best candidate in each figure that is judged, and a line with advice.
pub fn words(report: &Report) -> Vec<String> {
    let speed = report.speed();
    if let Some(failure) = &report.base().failure {
        let reason = failure.headline();
        return vec![format!("no verdict: there is nothing to compare with: system itself failed: {reason}")];
    }
    if report.base().statistic(speed).is_none_or(|statistic| statistic.summary.count < ENOUGH) {
        return vec![if report.setup.runs as usize >= ENOUGH {
            format!("no verdict: it was interrupted before there were {ENOUGH} runs of system")
        } else {
            format!("no verdict: it takes {ENOUGH} runs of each (-n {ENOUGH}) to tell a difference from chance")
        }];
    }
    let extremes = report.judged().into_iter().map(|figure| format!("{}: {}", title(figure), extreme(report, figure)));
    let last = if report.setup.by.is_some() { choice(report) } else { recommendation(report) };
    extremes.chain([last]).collect()
}

/// Returns the title of the best candidate in a figure.
fn title(figure: Figure) -> &'static str {
    match figure {
        Figure::Memory => "leanest",
        Figure::Tree => "leanest, all processes",
        Figure::Settled => "leanest, settled",
        Figure::Cpu => "least processor time",
        _ => "fastest",
    }
}

/// Returns a candidate's differences from the base, or that there is none.
pub fn differences(report: &Report, row: &Entry) -> String {
    let named: Vec<String> = report
        .judged()
        .into_iter()
        .filter(|&figure| matches!(row.verdict(figure), Verdict::Better | Verdict::Worse))
        .filter_map(|figure| difference(report, row, figure))
        .collect();
    match row.verdict(report.speed()) {
        Verdict::Unknown => "no verdict".to_owned(),
        _ if named.is_empty() => "no difference".to_owned(),
        _ => named.join(", "),
    }
}

/// Returns a difference such as "12 % less time".
fn difference(report: &Report, row: &Entry, figure: Figure) -> Option<String> {
    let ratio = row.statistic(figure)?.ratio?.value;
    let noun = match figure {
        Figure::Time => "time",
        Figure::Cpu => "processor time",
        Figure::Memory => "memory",
        Figure::Tree => "memory of all processes",
        Figure::Settled => "settled memory",
        _ => report.name(figure),
    };
    Some(if ratio >= 2.0 {
        format!("{ratio:.1} times system's {noun}")
    } else {
        let direction = if ratio > 1.0 { "more" } else { "less" };
        format!("{} {direction} {noun}", percent((ratio - 1.0).abs()))
    })
}

/// Returns the best candidate in the figure that the user chose, whatever it costs in others.
fn choice(report: &Report) -> String {
    let figure = report.deciding();
    let better = report.rows.iter().filter(|row| row.verdict(figure) == Verdict::Better);
    let best = better.min_by(|a, b| relative_cost(a, figure).total_cmp(&relative_cost(b, figure)));
    let name = report.name(figure);
    match best {
        Some(row) => format!("recommended by {name}: {}: {}", row.name, differences(report, row)),
        None => format!("recommended by {name}: system: no candidate is shown to be better"),
    }
}

/// Returns the best candidate in a figure, if it is shown to be better than the base.
fn extreme(report: &Report, figure: Figure) -> String {
    let better = report.rows.iter().filter(|row| row.verdict(figure) == Verdict::Better);
    let cost = |row: &Entry| relative_cost(row, figure);
    let Some(best) = better.min_by(|a, b| cost(a).total_cmp(&cost(b))) else {
        return "no candidate is shown to be better than system".to_owned();
    };
    let text = format!("{}, {}", best.name, difference(report, best, figure).unwrap_or_default());
    match best.statistic(figure).and_then(|statistic| statistic.ratio?.interval) {
        Some((low, high)) => format!("{text} (ratio to system: {low:.3} to {high:.3})"),
        None => text,
    }
}

/// Returns the ratio to the base, inverted where more is better.
fn relative_cost(row: &Entry, figure: Figure) -> f64 {
    let ratio = row.statistic(figure).and_then(|statistic| statistic.ratio).map_or(1.0, |ratio| ratio.value);
    if figure.is_gain() { 1.0 / ratio } else { ratio }
}

/// Returns the product of the ratios of speed and memory, so that a candidate does not win by a little time for much memory.
/// Where memory was measured in several ways, they count as one.
fn cost(report: &Report, row: &Entry) -> f64 {
    let memories = report.judged().into_iter().filter(|figure| figure.is_memory());
    relative_cost(row, report.speed()) * geometric_mean(memories.map(|figure| relative_cost(row, figure)))
}

fn recommendation(report: &Report) -> String {
    let judged = report.judged();
    let has = |row: &Entry, verdict: Verdict| judged.iter().any(|&figure| row.verdict(figure) == verdict);
    let is_worse = |row: &Entry| has(row, Verdict::Worse);
    let cheapest = |at_a_price: bool| {
        let rows = report.rows.iter().filter(|row| has(row, Verdict::Better) && is_worse(row) == at_a_price);
        rows.min_by(|a, b| cost(report, a).total_cmp(&cost(report, b)))
    };
    if let Some(row) = cheapest(false) {
        return format!("recommended: {}: {}", row.name, differences(report, row));
    }
    if let Some(row) = cheapest(true) {
        return format!("recommended: system, unless this trade suits you: {}: {}", row.name, differences(report, row));
    }
    let compared: Vec<&Entry> = report.rows.iter().filter(|row| !row.is_base() && row.failure.is_none()).collect();
    match compared.iter().filter(|row| !is_worse(row)).count() {
        _ if compared.is_empty() => "recommended: system: no other candidate ran".to_owned(),
        0 => "recommended: system: every other candidate is worse".to_owned(),
        _ => "recommended: system: no difference was shown that would be worth a change".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{example, mixed};
    use super::super::schedule::Row;
    use super::super::setup::{By, Setup};
    use super::*;
    use crate::catalogue::candidate::Candidate;

    #[test]
    fn says_what_is_traded() {
        let report = mixed();
        assert!(words(&report)[0].starts_with("fastest: quick, 20 % less time (ratio to system: 0.7"));
        assert_eq!(words(&report)[1], "leanest: no candidate is shown to be better than system");
        assert_eq!(
            words(&report)[2],
            "recommended: system, unless this trade suits you: quick: 20 % less time, 50 % more memory"
        );
        assert_eq!(differences(&report, &report.rows[2]), "no difference");
        assert_eq!(differences(&report, &report.rows[3]), "no verdict");
    }

    #[test]
    fn recommends_a_gain_without_a_loss() {
        let system: (&str, &[f64], &[i64]) = ("system", &[1.0, 1.02, 0.98], &[1000, 1001, 1000]);
        let report = example(&[system, ("lean", &[1.0, 1.02, 0.98], &[800, 801, 800])]);
        assert_eq!(words(&report)[2], "recommended: lean: 20 % less memory");
        let report = example(&[system, ("slow", &[3.0, 3.02, 2.98], &[1000, 1001, 1000])]);
        assert_eq!(words(&report)[2], "recommended: system: every other candidate is worse");
        assert_eq!(differences(&report, &report.rows[1]), "3.0 times system's time");
        let report = example(&[system, ("same", &[1.0, 1.03, 0.98], &[1000, 1001, 1000])]);
        assert!(words(&report)[2].contains("no difference was shown"), "{:?}", words(&report));
    }

    /// Memory that is only larger when all is quiet again is a price, too.
    #[test]
    fn every_memory_that_was_measured_counts() {
        let system: (&str, &[f64], &[i64]) = ("system", &[1.0, 1.02, 0.98], &[1000, 1001, 1000]);
        let mut report = example(&[system, ("quick", &[0.8, 0.81, 0.79], &[1000, 1001, 1000])]);
        assert_eq!(words(&report)[2], "recommended: quick: 20 % less time");
        let rows = report.rows.iter_mut().zip([1000, 2000]).map(|(row, settled)| {
            row.samples.iter_mut().for_each(|sample| sample.settled = Some(settled));
            Row {
                candidate: Candidate { name: row.name.clone(), ..Candidate::default() },
                samples: row.samples.clone(),
                failure: None,
            }
        });
        let setup = Setup { settle: Some(1.0), ..report.setup.clone() };
        let report = Report::new(setup, rows.collect(), Vec::new());
        let expected = "recommended: system, unless this trade suits you: quick: 20 % less time, 2.0 times system's settled memory";
        assert_eq!(words(&report)[2..], ["leanest, settled: no candidate is shown to be better than system", expected]);
    }

    #[test]
    fn the_figure_that_decides_sorts() {
        let by = |by: By| {
            let mixed = mixed();
            let rows = mixed.rows.into_iter().map(|row| Row {
                candidate: Candidate { name: row.name, ..Candidate::default() },
                samples: row.samples,
                failure: row.failure,
            });
            let report = Report::new(Setup { by: Some(by), ..mixed.setup }, rows.collect(), Vec::new());
            let names: Vec<String> = report.rows.iter().map(|row| row.name.clone()).collect();
            (names.join(" "), words(&report).pop().unwrap())
        };
        assert_eq!(
            by(By::Time),
            ("quick system same broken".into(), "recommended by time: quick: 20 % less time, 50 % more memory".into())
        );
        assert!(by(By::Memory).0.ends_with("quick broken"));
        assert_eq!(by(By::Memory).1, "recommended by peak memory: system: no candidate is shown to be better");
        assert!(by(By::Cpu).1.starts_with("recommended by processor time: quick: "));
    }

    #[test]
    fn is_silent_on_too_few_runs_and_says_why_they_are() {
        let few = || example(&[("system", &[1.0, 1.0], &[9, 9]), ("half", &[0.5, 0.5], &[9, 9])]);
        let mut report = few();
        assert_eq!(words(&report), ["no verdict: it was interrupted before there were 3 runs of system"]);
        report.setup.runs = 2;
        assert_eq!(words(&report), ["no verdict: it takes 3 runs of each (-n 3) to tell a difference from chance"]);
        let report = example(&[("system", &[], &[]), ("half", &[0.5, 0.5], &[9, 9])]);
        let expected = "no verdict: there is nothing to compare with: system itself failed: exit 1 where system has 0";
        assert_eq!(words(&report), [expected]);
    }
}
