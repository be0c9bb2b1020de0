//! Which allocators are found, and what is said of the others.

use super::{directory, stderr, stdout, xalloc};
use serde_json::Value;
use std::path::Path;
#[cfg(target_arch = "x86_64")]
use std::process::Command;
use xalloc_tests::skip;

/// Debian's, and the file of each that is to be found.
const DEBIANS: [(&str, &str); 4] = [
    ("jemalloc", "libjemalloc.so.2"),
    // Whole, or without its profiler, as scripts/test installs it.
    ("tcmalloc", "libtcmalloc"),
    ("mimalloc", "libmimalloc.so.2.0"),
    ("tbbmalloc", "libtbbmalloc_proxy.so.2"),
];

fn listed(arguments: &[&str]) -> Vec<Value> {
    let output = xalloc(&[&["list", "--json"], arguments].concat()).output().expect("the command starts");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn path(row: &Value) -> Option<&Path> {
    row["found"]["path"].as_str().map(Path::new)
}

#[test]
fn every_allocator_has_a_row() {
    let rows = listed(&[]);
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().expect("a name")).collect();
    let expected =
        ["system", "xalloc", "hoard", "jemalloc", "mimalloc", "nedmalloc", "snmalloc", "tbbmalloc", "tcmalloc"];
    assert_eq!(names, expected);
    assert_eq!(path(&rows[1]), Some(xalloc_tests::library()));
    assert_eq!(rows[1]["heaps"], serde_json::json!(["fast", "pow2", "system"]));
    for row in rows.iter().filter(|row| row["is_there"] == false) {
        assert!(row["install"]["here"].is_string() || row["install"]["source"].is_string(), "{row}");
    }
}

#[test]
fn without_proc_it_is_said_why_nothing_is_found_beside_the_command() {
    let hidden = |script: &str| {
        let command = xalloc(&["list", "xalloc"]);
        let within = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"];
        xalloc_tests::behind(&within, &command).env_remove("XALLOC_LIBRARY").output()
    };
    if !hidden("mount -t tmpfs none /proc").is_ok_and(|output| output.status.success()) {
        return skip("no file system can be mounted here (unshare)");
    }
    let output = hidden("mount -t tmpfs none /proc && exec \"$@\"").expect("it starts");
    assert!(stdout(&output).contains("is /proc mounted?"), "{output:?}");
}

/// As on a machine with gcc-multilib: the loader's cache has libraries of one name for three machine types.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_library_of_this_machine_is_chosen_among_those_of_one_name() {
    let place = directory("machines");
    let library = |flag: &str| {
        std::fs::create_dir(place.join(flag)).expect("a directory");
        let (source, library) = (place.join(flag).join("hoard.c"), place.join(flag).join("libhoard.so"));
        std::fs::write(&source, "void *malloc(__SIZE_TYPE__ size) { return 0; } void free(void *block) { }").unwrap();
        let mut cc = Command::new("cc");
        // Without a C library, the compiler needs none of the other machine's.
        cc.args([flag, "-w", "-nostdlib", "-shared", "-fPIC", "-Wl,-soname,libhoard.so", "-o"])
            .args([&library, &source]);
        assert!(cc.status().expect("cc is installed").success());
        library
    };
    let libraries = ["-mx32", "-m64", "-m32"].map(library);
    let directories = libraries.each_ref().map(|library| library.parent().unwrap().display().to_string());
    std::fs::write(place.join("ld.so.conf"), directories.join("\n")).unwrap();
    let script = "/sbin/ldconfig -X -f \"$0/ld.so.conf\" -C \"$0/cache\" 2>/dev/null
        mount --bind \"$0/cache\" /etc/ld.so.cache && exec \"$@\"";
    let within = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, place.to_str().unwrap()];
    let output = xalloc_tests::behind(&within, &xalloc(&["list", "--json", "hoard"])).output().expect("it starts");
    if !output.status.success() && output.stdout.is_empty() {
        return skip("no loader's cache can be mounted here (unshare)");
    }
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert_eq!(path(&rows[0]), Some(&*libraries[1]), "{output:?}");
    assert_eq!(rows[0]["rejected"], serde_json::json!([]), "{output:?}");
}

#[test]
fn debians_are_found_and_the_one_that_replaces_nothing_is_rejected() {
    for (name, file) in DEBIANS {
        let rows = listed(&[name]);
        let Some(found) = path(&rows[0]) else {
            skip(&format!("{name} is not installed"));
            continue;
        };
        let real = found.canonicalize().expect("it exists");
        let beginning = real.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(beginning.starts_with(file), "{name} is {}", real.display());
        assert!(rows[0]["found"]["soname"].is_string() && rows[0]["version"].is_string(), "{}", rows[0]);
        if name == "tbbmalloc" {
            let rejected = &rows[0]["rejected"][0];
            assert!(rejected["path"].as_str().is_some_and(|path| path.ends_with("libtbbmalloc.so.2")), "{rejected}");
            let reason = rejected["reason"].as_str().expect("a reason");
            assert_eq!(reason, "does not replace malloc: it exports no malloc and no free");
        }
    }
}

/// An allocator of the user's own, whose file is wrong in each way that a file can be.
#[test]
fn a_file_counts_only_if_it_fits() {
    let project = directory("project");
    let layers = project.join("xalloc/layers/allocator");
    std::fs::create_dir_all(&layers).expect("a directory");
    let layer = "{type: allocator, name: ours, description: Ours., integration_methods: [ld_preload], \
                 ld_preload: {files: {linux: [libours.so]}}, \
                 packages: {run: {apt: {names: [libours1]}}}, platforms: {linux: {default_method: ld_preload}}}";
    std::fs::write(layers.join("ours.yaml"), layer).expect("written");
    let file = project.join("libours.so");
    let ask = |arguments: &[&str]| {
        let mut command = xalloc(arguments);
        command.env("XDG_CONFIG_HOME", &project).env("LD_LIBRARY_PATH", &project);
        command.output().expect("the command starts")
    };
    let missing = ask(&["run", "-a", "ours", "true"]);
    assert_eq!(missing.status.code(), Some(3));
    let said = stderr(&missing);
    assert!(said.contains("allocator 'ours' is not on this machine: no libours.so"), "{said}");
    if Path::new("/etc/debian_version").exists() {
        assert!(said.contains("apt install libours1 (a name that was not tried)"), "{said}");
    }
    for (content, reason) in [
        (std::fs::read("/proc/self/exe").expect("this program"), "is no shared library"),
        (b"no library".to_vec(), "cannot be read: "),
        (std::fs::read(a_library_without_malloc()).expect("a library"), "does not replace malloc"),
    ] {
        std::fs::write(&file, content).expect("written");
        let output = ask(&["list", "ours"]);
        assert!(stdout(&output).contains(reason), "{output:?}");
        assert_eq!(output.status.code(), Some(3));
    }
    std::fs::copy(xalloc_tests::library(), &file).expect("a copy");
    assert_eq!(ask(&["list", "ours"]).status.code(), Some(0));
    assert_eq!(ask(&["run", "-a", "ours", "true"]).status.code(), Some(0));
}

fn a_library_without_malloc() -> std::path::PathBuf {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
    let line = maps.lines().find(|line| line.contains("libgcc_s.so")).expect("Rust's tests have it");
    line.split_whitespace().last().expect("a path").into()
}

/// As on a machine without any: in a mount namespace of its own, nothing is where their files are.
#[test]
fn what_is_not_here_comes_with_this_distributions_command() {
    let hide = "for file in /usr/lib/*/lib*malloc*.so* /usr/lib/*/mimalloc*; do \
                if [ -f \"$file\" ]; then mount --bind /dev/null \"$file\" || exit 77; fi; done; exec \"$@\"";
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-c", hide, "sh", env!("CARGO_BIN_EXE_xalloc"), "list", "--json"]);
    command.args(DEBIANS.map(|(name, _)| name));
    let output = command.output().expect("unshare starts");
    if output.status.code() != Some(3) || !Path::new("/etc/debian_version").exists() {
        return skip(&format!("may not mount here, or this is not Debian: {}", stderr(&output)));
    }
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let expected = ["libjemalloc2", "libtcmalloc-minimal4", "libmimalloc2.0", "libtbbmalloc2"];
    for (row, package) in rows.iter().zip(expected) {
        let command = row["install"]["here"].as_str().expect("Debian has them all");
        assert!(command.contains("apt install ") && command.contains(package), "{command}");
        assert!(row["found"].is_null() && row["install"]["tried"] == true, "{row}");
    }
}

/// The directory one is in may be a stranger's.
#[test]
fn a_projects_layers_do_not_decide_what_is_preloaded() {
    let project = directory("strangers");
    let layers = project.join(".xalloc/layers/allocator");
    std::fs::create_dir_all(&layers).expect("a directory");
    let layer = "{type: allocator, name: xalloc, description: Theirs., integration_methods: [ld_preload], \
                 ld_preload: {files: {linux: [libtheirs.so]}, environment: {LD_AUDIT: theirs.so}}, \
                 platforms: {linux: {default_method: ld_preload}}}";
    std::fs::write(layers.join("xalloc.yaml"), layer).expect("written");
    let output = xalloc(&["env"]).current_dir(&project).output().expect("the command starts");
    let said = stdout(&output);
    assert!(said.contains("libxalloc.so") && !said.contains("theirs") && said.lines().count() == 1, "{output:?}");
}

#[test]
fn nothing_takes_the_place_of_the_library_that_the_user_has_named() {
    let elsewhere = directory("elsewhere");
    std::fs::copy(xalloc_tests::library(), elsewhere.join("libxalloc.so")).expect("a copy");
    for (named, reason) in [("/etc/passwd", "cannot be read"), ("/no/such.so", "does not exist")] {
        let mut command = xalloc(&["run", "-v", "true"]);
        let output = command.env("XALLOC_LIBRARY", named).env("LD_LIBRARY_PATH", &elsewhere).output();
        let output = output.expect("the command starts");
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let said = stderr(&output);
        assert!(said.starts_with(&format!("xalloc run: {named} {reason}")), "{said}");
        // Nothing about packages, which would not help.
        assert!(said.ends_with("; XALLOC_LIBRARY names it: correct it, or unset it\n"), "{said}");
        // The proxy is that library, too.
        let mut command = xalloc(&["run", "-a", "default", "--method", "proxy", "true"]);
        let output = command.env("XALLOC_LIBRARY", named).output().expect("the command starts");
        assert_eq!((output.status.code(), stderr(&output).contains(named)), (Some(3), true), "{output:?}");
    }
}
