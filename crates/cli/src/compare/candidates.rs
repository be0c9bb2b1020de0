//! The candidates of a comparison.

use crate::binary::Examination;
use crate::catalogue::candidate::{Candidate, pick};
use crate::catalogue::{self, OWN, SYSTEM};
use crate::library;
use crate::refusal::Refusal;
use anyhow::Result;
use std::ffi::{OsStr, OsString};

/// The candidate with which all others are compared: the program as it is.
pub const BASE: &str = SYSTEM;

/// Returns the candidates that are compared if the user does not choose, in the order of the tables: the system's malloc and
/// ours, each with its defaults and with lean options, and the other allocators of the catalogue that this machine has.
///
/// # Errors
/// The user's layers cannot be listed.
pub fn known() -> Result<Vec<Candidate>> {
    let xalloc = own();
    let arenas = vec![("MALLOC_ARENA_MAX".into(), "2".into())];
    let given = std::env::var_os("XALLOC_CONF").filter(|conf| !conf.is_empty());
    let conf: Vec<OsString> = given.into_iter().chain(["profile:lean".into()]).collect();
    let conf = conf.join(OsStr::new(","));
    let mut all = vec![
        Candidate { name: BASE.into(), ..Candidate::default() },
        Candidate { name: "system-arenas-2".into(), environment: arenas, ..Candidate::default() },
        xalloc.clone(),
        Candidate { name: "xalloc-lean".into(), environment: vec![("XALLOC_CONF".into(), conf)], ..xalloc },
    ];
    let (allocators, errors) = catalogue::layers().allocators()?;
    errors.iter().for_each(|error| eprintln!("xalloc compare: {error}"));
    for allocator in allocators {
        if let (false, Some(found)) = (allocator.name == OWN, catalogue::detect(&allocator).found) {
            all.push(Candidate::of(&allocator, &found.path));
        }
    }
    Ok(all)
}

/// Returns the candidate for our own library, or for the reason why it cannot be used.
fn own() -> Candidate {
    match library::own() {
        Ok(path) => Candidate::preloading(OWN, &path),
        Err(error) => Candidate { name: OWN.into(), obstacle: Some(format!("{error:#}")), ..Candidate::default() },
    }
}

/// Gives an obstacle to each candidate that would be preloaded, if the program has one. Such a candidate becomes a row without
/// runs.
pub fn refuse(candidates: &mut [Candidate], examination: &Examination) {
    let Some(obstacle) = examination.obstacles().next() else { return };
    for candidate in
        candidates.iter_mut().filter(|candidate| candidate.library.is_some() && candidate.obstacle.is_none())
    {
        candidate.obstacle = Some(format!("{} {}", obstacle.reason, obstacle.way_out));
    }
}

/// Returns those of the `known` candidates that `wanted` names, in that order and with the base; all of them if it names none.
///
/// # Errors
/// Those of [`pick`].
pub fn choose(known: Vec<Candidate>, wanted: &[String]) -> Result<Vec<Candidate>, Refusal> {
    if wanted.is_empty() {
        return Ok(known);
    }
    let others = ", and NAME=LIBRARY takes any";
    let mut chosen = pick(wanted, &known, others)?;
    if !chosen.iter().any(|candidate| candidate.name == BASE) {
        chosen.splice(0..0, pick(&[BASE.into()], &known, others)?);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit;

    fn names(wanted: &[&str]) -> Result<Vec<String>, Refusal> {
        let wanted: Vec<String> = wanted.iter().map(|&word| word.into()).collect();
        choose(known().unwrap(), &wanted).map(|chosen| chosen.into_iter().map(|candidate| candidate.name).collect())
    }

    #[test]
    fn selects_orders_and_always_has_the_base() {
        assert_eq!(names(&[]).unwrap()[..4], ["system", "system-arenas-2", "xalloc", "xalloc-lean"]);
        assert_eq!(names(&["xalloc-lean", "xalloc"]).unwrap(), ["system", "xalloc-lean", "xalloc"]);
        assert_eq!(names(&["xalloc", "system"]).unwrap(), ["xalloc", "system"]);
        for other in ["default", "glibc"] {
            assert_eq!(names(&["xalloc", other]).unwrap(), ["xalloc", "system"]);
        }
    }

    #[test]
    fn refuses_what_is_ambiguous_or_unknown() {
        assert_eq!(names(&["pear"]).unwrap_err().code, exit::WRONG_USAGE);
        assert_eq!(names(&["xalloc", "xalloc=/x.so"]).unwrap_err().code, exit::WRONG_USAGE);
        assert_eq!(names(&["system=/x.so"]).unwrap_err().code, exit::WRONG_USAGE);
        assert_eq!(names(&["glibc=/x.so"]).unwrap_err().code, exit::WRONG_USAGE);
        assert_eq!(names(&["system", "default"]).unwrap_err().code, exit::WRONG_USAGE);
    }

    #[test]
    fn options_make_rows_of_their_own() {
        assert_eq!(
            names(&["xalloc", "xalloc:purge_ms=100", "xalloc:purge_ms=10:thp=never", "glibc:arena_max=1"]).unwrap(),
            ["system", "xalloc", "xalloc:purge_ms=100", "xalloc:purge_ms=10:thp=never", "glibc:arena_max=1"]
        );
        let chosen = choose(known().unwrap(), &["xalloc:purge_ms=10:thp=never".into()]).unwrap();
        assert_eq!(chosen[1].environment, [("XALLOC_CONF".into(), "purge_ms:10,thp:never".into())]);
        let chosen = choose(known().unwrap(), &["glibc:arena_max=1".into()]).unwrap();
        assert_eq!(chosen[1].environment, [("MALLOC_ARENA_MAX".into(), "1".into())]);
        for (wrong, why) in [
            ("xalloc:purge=1", "did you mean 'purge_ms'"),
            ("xalloc:purge_ms", "KEY=VALUE"),
            ("mine=/x.so:purge_ms=1", "are not known here"),
            ("xalloc:purge_ms=1,thp=never", "separated by colons: xalloc:purge_ms=1:thp=never"),
        ] {
            let refusal = names(&wrong.split(',').collect::<Vec<_>>()).unwrap_err();
            assert_eq!(refusal.code, exit::WRONG_USAGE);
            assert!(refusal.message.contains(why), "{refusal}");
        }
    }

    #[test]
    fn keeps_a_library_that_cannot_be_used_as_a_row() {
        let chosen = choose(known().unwrap(), &["mine=/no/such.so".into()]).unwrap();
        assert!(chosen[1].obstacle.as_ref().unwrap().contains("/no/such.so"));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a b.so");
        std::fs::write(&path, "").unwrap();
        assert!(Candidate::preloading("mine", &path).obstacle.unwrap().contains("takes no path with a blank"));
    }
}
