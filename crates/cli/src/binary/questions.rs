//! The questions about a program, one function for each.

use super::{Binary, CLibrary, Finding, Format, Linking, Machine, allocators, loader, runtimes, sanitizers};
use crate::library::in_checkout;

type Question = fn(&Binary, &Machine) -> Option<Finding>;

const QUESTIONS: &[Question] = &[
    foreign_system,
    foreign_machine,
    static_program,
    library,
    |binary, _| sanitizers::find(binary),
    |binary, _| allocators::exported(binary),
    |binary, _| allocators::hidden(binary),
    set_uid,
    set_gid,
    capabilities,
    other_c_library,
    loader::missing_loader,
    loader::missing_library,
    restricted,
    |binary, _| allocators::needed(binary),
    |binary, _| allocators::private(binary),
    |binary, _| allocators::traces(binary),
    go,
    |binary, _| runtimes::find(binary),
    modules,
    no_sections,
];

/// Returns the findings about a program into which a library for `machine` will be preloaded.
pub fn ask(binary: &Binary, machine: &Machine) -> Vec<Finding> {
    QUESTIONS.iter().filter_map(|question| question(binary, machine)).collect()
}

fn foreign_system(binary: &Binary, machine: &Machine) -> Option<Finding> {
    (binary.format != machine.format).then(|| {
        Finding::obstacle(
            "foreign-system",
            format!("It is a program for {}; the library is for {}.", system(binary.format), system(machine.format)),
            format!("Take a build for {}.", system(machine.format)),
        )
    })
}

fn foreign_machine(binary: &Binary, machine: &Machine) -> Option<Finding> {
    let (program, library) = (&binary.processor, &machine.processor);
    if program == library {
        return None;
    }
    let reason = match (program.bits(), library.bits()) {
        (Some(32), Some(64)) => format!("It is a 32-bit program ({program}); the library is for {library}."),
        _ if program.is_arm64e() => format!("It is an arm64e program, into which no library for {library} is loaded."),
        _ => format!("It is a program for {program}; the library is for {library}."),
    };
    let way_out = format!(
        "Take a build for {library}, or a library for {program} ({}64-bit only).",
        in_checkout("scripts/cross-build; ", "")
    );
    Some(Finding::obstacle("foreign-machine", reason, way_out))
}

fn static_program(binary: &Binary, _: &Machine) -> Option<Finding> {
    let build = if binary.go {
        "Go programs do not need it: their own heap is not malloc's."
    } else {
        "Build it without -static, or build the heap into it: libxalloc.a has xalloc_malloc and its siblings."
    };
    let way_out = format!("{build} If it only starts other programs, name those: they were not examined.");
    match binary.linking {
        Linking::Static => Some(Finding::obstacle(
            "static",
            "It is linked statically: no loader runs that could preload anything.",
            way_out,
        )),
        Linking::StaticPie => Some(Finding::obstacle(
            "static-pie",
            "It is linked statically, to run at any address (static-pie): no loader runs that could preload anything.",
            way_out,
        )),
        Linking::Dynamic | Linking::Library => None,
    }
}

fn library(binary: &Binary, _: &Machine) -> Option<Finding> {
    if binary.linking != Linking::Library {
        return None;
    }
    // Only loaders have the list of what is loaded (by glibc's or musl's name for it). They are programs too.
    if ["_r_debug", "_dl_debug_addr"].iter().any(|name| binary.exports.contains(*name)) {
        return Some(Finding::note(
            "loader",
            "It is a dynamic loader, which starts the program that its arguments name: that program was not examined.",
            "Examine that program: xalloc doctor PROGRAM.",
        ));
    }
    Some(Finding::obstacle("library", "It is a shared library, no program.", "Examine a program that loads it."))
}

fn set_uid(binary: &Binary, machine: &Machine) -> Option<Finding> {
    let owner = binary.rights.set_uid?;
    Some(privileged(
        "set-uid",
        &format!("It is set-uid: it runs with the rights of user {owner}"),
        owner == machine.user,
    ))
}

fn set_gid(binary: &Binary, machine: &Machine) -> Option<Finding> {
    let group = binary.rights.set_gid?;
    Some(privileged(
        "set-gid",
        &format!("It is set-gid: it runs with the rights of group {group}"),
        group == machine.group,
    ))
}

fn capabilities(binary: &Binary, machine: &Machine) -> Option<Finding> {
    // The superuser has all capabilities, so the file adds none.
    let already = machine.user == 0;
    binary.rights.capabilities.then(|| privileged("capabilities", "It has file capabilities", already))
}

/// Returns the finding that the loader ignores `LD_PRELOAD`, because the program gets rights that the user does not have.
fn privileged(code: &'static str, what: &str, already: bool) -> Finding {
    if already {
        let reason =
            format!("{what}. You have those rights already, so the preload works for you, but not for other users.");
        return Finding::note(code, reason, "Nothing has to be done while only you start it.");
    }
    Finding::obstacle(
        code,
        format!(
            "{what}, and the loader then ignores LD_PRELOAD, but for set-uid libraries in the system's own directories."
        ),
        "Run a copy of the file (cp drops these rights), or start it as the user whose rights it needs.",
    )
}

fn other_c_library(binary: &Binary, machine: &Machine) -> Option<Finding> {
    let (program, library) = (binary.c_library?, machine.c_library?);
    if program == library || binary.format != machine.format || binary.processor != machine.processor {
        return None;
    }
    let code = match program {
        CLibrary::Musl => "musl",
        CLibrary::Glibc => "glibc",
        CLibrary::Bionic => "android",
        CLibrary::LibSystem => return None,
    };
    Some(Finding::obstacle(
        code,
        format!("It uses {program}; the library was built for {library}, which its loader cannot load."),
        match program {
            CLibrary::Musl => in_checkout(
                "Build the library for musl: scripts/cross-build x86_64-unknown-linux-musl.",
                "Take a library that was built for musl.",
            )
            .to_owned(),
            _ => format!("Take a library that was built for {program}."),
        },
    ))
}

fn restricted(binary: &Binary, _: &Machine) -> Option<Finding> {
    let protection = &binary.protection;
    if protection.restricted {
        return Some(Finding::obstacle(
            "restricted",
            "It has a section __RESTRICT,__restrict: dyld ignores DYLD_INSERT_LIBRARIES.",
            "Link it without that section.",
        ));
    }
    (protection.hardened_runtime && !protection.allows_dyld_variables).then(|| {
        Finding::obstacle(
            "hardened-runtime",
            "It is signed with the hardened runtime: dyld ignores DYLD_INSERT_LIBRARIES.",
            "Sign it with the entitlement com.apple.security.cs.allow-dyld-environment-variables, or a copy of it without --options runtime.",
        )
    })
}

fn go(binary: &Binary, _: &Machine) -> Option<Finding> {
    binary.go.then(|| {
        Finding::note(
            "go",
            "It is a Go program: Go's own heap never calls malloc, only C code in it (cgo) does.",
            "xalloc doctor --run shows how much time is spent in malloc.",
        )
    })
}

fn modules(binary: &Binary, machine: &Machine) -> Option<Finding> {
    if binary.linking != Linking::Dynamic || binary.format != Format::Elf {
        return None;
    }
    if binary.imports.contains("dlmopen") {
        return Some(Finding::note(
            "dlmopen",
            "It can load modules into name spaces of their own (dlmopen), which have a C library and a malloc of their own.",
            "xalloc doctor --run --bindings shows whether it does.",
        ));
    }
    (!machine.serves_deepbind && binary.imports.contains("dlopen")).then(|| {
        Finding::note(
            "dlopen",
            "It loads modules while running (dlopen); one that is opened with RTLD_DEEPBIND keeps the system's malloc under this library (not under xalloc).",
            "xalloc doctor --run --bindings shows whether that happens.",
        )
    })
}

fn no_sections(binary: &Binary, _: &Machine) -> Option<Finding> {
    (binary.linking == Linking::Dynamic && !binary.sections).then(|| {
        Finding::note(
            "no-sections",
            "Its table of sections is missing or damaged: what it defines, imports and asks for cannot be read.",
            "xalloc doctor --run shows what it does.",
        )
    })
}

fn system(format: Format) -> &'static str {
    match format {
        Format::Elf => "Linux",
        Format::MachO => "macOS",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This test's own program, changed in one thing at a time.
    fn found(change: impl FnOnce(&mut Binary, &mut Machine)) -> Vec<&'static str> {
        let mut binary = Binary::read(&std::env::current_exe().unwrap()).unwrap();
        let mut machine = Machine::of(&binary);
        binary.imports.clear();
        binary.hidden.clear();
        change(&mut binary, &mut machine);
        ask(&binary, &machine).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn says_nothing_of_a_usual_program() {
        assert!(found(|_, _| {}).is_empty());
    }

    #[test]
    fn rights_count_only_for_those_who_lack_them() {
        let severity = |owner: u32| {
            let mut binary = Binary::read(&std::env::current_exe().unwrap()).unwrap();
            binary.rights.set_uid = Some(owner);
            let machine = Machine { user: 7, ..Machine::of(&binary) };
            set_uid(&binary, &machine).unwrap().severity
        };
        assert_eq!(severity(7), super::super::Severity::Note);
        assert_eq!(severity(0), super::super::Severity::Obstacle);
    }

    #[test]
    fn each_fact_has_its_finding() {
        assert_eq!(found(|binary, _| binary.linking = Linking::Static), ["static"]);
        assert_eq!(found(|binary, _| binary.linking = Linking::Library), ["library"]);
        assert_eq!(found(|binary, _| binary.go = true), ["go"]);
        assert_eq!(found(|binary, _| binary.sections = false), ["no-sections"]);
        assert_eq!(found(|_, machine| machine.c_library = Some(CLibrary::Musl)), ["glibc"]);
        assert_eq!(found(|binary, _| binary.c_library = Some(CLibrary::Bionic)), ["android"]);
        assert_eq!(found(|binary, _| binary.protection.restricted = true), ["restricted"]);
        assert_eq!(found(|binary, _| binary.protection.hardened_runtime = true), ["hardened-runtime"]);
        assert_eq!(found(|binary, _| binary.interpreter = Some("/none/ld.so".into())), ["missing-loader"]);
        let import = |name: &'static str| found(move |binary, _| _ = binary.imports.insert(name.to_owned()));
        assert_eq!(import("__msan_init"), ["memory-sanitizer"]);
        assert_eq!(import("__hwasan_init"), ["hwaddress-sanitizer"]);
        assert_eq!(import("dlopen"), ["dlopen"]);
        assert_eq!(import("dlmopen"), ["dlmopen"]);
    }
}
