//! What is wrong with a dylib that is to replace a program's malloc.

use crate::facts::{Facts, POINTER, Pointer};
use std::collections::BTreeSet;
use std::ops::Range;

/// What the dylib is compared with.
pub struct Expected {
    /// The names that it exports.
    pub exports: BTreeSet<String>,
    /// The functions that it replaces.
    pub replaced: BTreeSet<String>,
    /// What libSystem has; nothing if that is not known here.
    pub system: Option<BTreeSet<String>>,
}

/// Names that linkers add to every dylib.
const OF_THE_LINKER: [&str; 3] = ["__mh_dylib_header", "___dso_handle", "dyld_stub_binder"];
const LIBSYSTEM: &str = "/usr/lib/libSystem.B.dylib";

/// Every fault, as a sentence; none if the library is as it must be.
pub fn find(facts: &Facts, expected: &Expected) -> Vec<String> {
    let mut faults = Vec::new();
    if !facts.is_library {
        faults.push("it is no dynamic library".into());
    }
    if facts.has_thread_variables {
        faults.push("it has thread-local variables, and the first access of a thread to one allocates".into());
    }
    replacements(facts, expected, &mut faults);
    constructors(facts, &mut faults);
    compare("exported", &without_the_linkers(&facts.exports), &expected.exports, &mut faults);
    imports(facts, expected, &mut faults);
    faults
}

fn replacements(facts: &Facts, expected: &Expected, faults: &mut Vec<String>) {
    let Some(section) = &facts.interpose else {
        return faults.push("it has no section __interpose, so that dyld replaces nothing".into());
    };
    if !(section.end - section.start).is_multiple_of(2 * POINTER as u64) {
        faults.push("the section __interpose is not made of pairs".into());
    }
    let mut replaced = BTreeSet::new();
    for at in addresses(section, 2) {
        match (facts.pointers.get(&at), facts.pointers.get(&(at + POINTER as u64))) {
            (Some(Pointer::Local(target)), Some(Pointer::Imported(name))) if facts.code.contains(target) => {
                if !replaced.insert(name.clone()) {
                    faults.push(format!("{name} is replaced twice"));
                }
            }
            pair => faults.push(format!("the pair at {at:#x} is not a function of ours and an imported one: {pair:?}")),
        }
    }
    compare("replaced", &replaced, &expected.replaced, faults);
}

fn constructors(facts: &Facts, faults: &mut Vec<String>) {
    if facts.constructors.as_ref().is_none_or(Range::is_empty) {
        faults.push("it has no constructor, so that fork handlers and the zone are never registered".into());
    }
}

fn imports(facts: &Facts, expected: &Expected, faults: &mut Vec<String>) {
    for library in facts.libraries.iter().filter(|library| *library != LIBSYSTEM) {
        faults.push(format!("it needs {library}; libSystem is all that may be needed below every program"));
    }
    let Some(system) = &expected.system else { return };
    for name in without_the_linkers(&facts.imports).difference(system) {
        faults.push(format!("it imports {name}, which libSystem does not have"));
    }
}

fn addresses(section: &Range<u64>, pointers: usize) -> impl Iterator<Item = u64> {
    section.clone().step_by(pointers * POINTER)
}

fn without_the_linkers(names: &BTreeSet<String>) -> BTreeSet<String> {
    names.iter().filter(|name| !OF_THE_LINKER.contains(&name.as_str())).cloned().collect()
}

fn compare(verb: &str, found: &BTreeSet<String>, expected: &BTreeSet<String>, faults: &mut Vec<String>) {
    faults.extend(expected.difference(found).map(|name| format!("{name} is not {verb}")));
    faults.extend(found.difference(expected).map(|name| format!("{name} is {verb}, and is not in the list")));
}
