//! The command where it is installed: manual pages, completions for shells, and what it says without a checkout around it.

use super::{directory, program, stderr, stdout, xalloc};
use std::path::{Path, PathBuf};
use std::process::Command;
use xalloc_tests::{has, library, plain};

const COMMANDS: [&str; 12] =
    ["run", "env", "list", "doctor", "compare", "check", "stats", "profile", "layers", "bench", "man", "completions"];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_command_the_library_and_its_file_have_a_page() {
    let pages = directory("manual");
    assert!(xalloc(&["man"]).arg(&pages).status().expect("the command starts").success());
    // bench needs a checkout, and is not installed.
    for command in COMMANDS.into_iter().filter(|command| *command != "bench") {
        assert!(read(&pages.join(format!("man1/xalloc-{command}.1"))).contains(".SH SYNOPSIS"), "{command}");
    }
    let run = read(&pages.join("man1/xalloc-run.1"));
    assert!(run.contains("xalloc run\\fR [OPTIONS] <PROGRAM> [ARGUMENT]..."), "the synopsis is not the usage: {run}");
    for (command, argument) in [
        ("run", "<PROGRAM> [ARGUMENT]..."),
        ("compare", "<PROGRAM> [ARGUMENT]..."),
        ("doctor", "<PROGRAM> [ARGUMENT]..."),
        ("list", "[NAME]..."),
    ] {
        let page = read(&pages.join(format!("man1/xalloc-{command}.1"))).replace("\\fI", "").replace("\\fR", "");
        assert!(page.contains(&format!(".TP\n{argument}\n")), "{command} lists its argument in another form: {page}");
    }
    let compare = read(&pages.join("man1/xalloc-compare.1"));
    assert!(compare.contains(".SH EXAMPLES\n.nf\n  xalloc compare") && !compare.contains(".SH EXTRA"), "{compare}");
    for page in [run, compare] {
        assert!(page.contains(&format!("\"xalloc {}\"", env!("CARGO_PKG_VERSION"))), "{page}");
    }
    let configuration = read(&pages.join("man5/xalloc.conf.5"));
    for option in xalloc_options::OPTIONS {
        assert!(configuration.contains(&format!(".BI {}: value", option.name.replace('-', "\\-"))), "{}", option.name);
    }
    let library = read(&pages.join("man7/libxalloc.7"));
    for name in ["LD_PRELOAD", "XALLOC_CONF", "/etc/xalloc.conf"] {
        assert!(library.contains(name), "{name}");
    }
}

/// Each page as a reader sees it: man says what roff does not understand.
#[test]
fn the_pages_are_well_formed() {
    if !has("man") {
        return;
    }
    let pages = directory("well-formed");
    assert!(xalloc(&["man"]).arg(&pages).status().expect("the command starts").success());
    for page in
        ["man1/xalloc.1", "man1/xalloc-run.1", "man1/xalloc-compare.1", "man5/xalloc.conf.5", "man7/libxalloc.7"]
    {
        let mut man = plain("man");
        man.args(["--warnings=w", "--local-file"]).arg(pages.join(page)).env("LC_ALL", "C.UTF-8");
        let output = man.output().expect("man starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{page}: {}", stderr(&output));
        assert!(stdout(&output).contains("NAME"), "{page}: {output:?}");
    }
}

/// A prefix outside of the checkout, with the command and, as in its package, the library under the name that programs ask for.
struct Installed(tempfile::TempDir);

impl Installed {
    fn new() -> Self {
        let prefix = tempfile::tempdir().expect("a temporary directory");
        for directory in ["bin", "lib"] {
            std::fs::create_dir(prefix.path().join(directory)).expect("a directory");
        }
        xalloc_tests::copy(env!("CARGO_BIN_EXE_xalloc"), &prefix.path().join("bin/xalloc"));
        xalloc_tests::copy(library(), &prefix.path().join("lib/libxalloc.so.0"));
        Self(prefix)
    }

    fn library(&self) -> PathBuf {
        self.0.path().join("lib/libxalloc.so.0")
    }

    /// Runs the command. It names nothing that only a checkout has.
    fn says(&self, arguments: &[&str]) -> String {
        let mut command = plain(self.0.path().join("bin/xalloc"));
        // Cargo puts its own directories, with a libxalloc.so, into the path of the libraries.
        command.env_remove("XALLOC_LIBRARY").env_remove("LD_LIBRARY_PATH");
        command.args(arguments).env("XDG_CONFIG_HOME", "/nonexistent");
        let output = command.output().expect("the command starts");
        let said = stdout(&output) + &stderr(&output);
        for word in ["scripts/", "cargo ", "docs/", "target/", "README.md"] {
            assert!(!said.contains(word), "{arguments:?} names {word}: {said}");
        }
        said
    }
}

#[test]
fn the_numbered_library_is_enough() {
    let installed = Installed::new();
    let said = installed.says(&["run", "--verbose", "true"]);
    assert!(said.contains(&installed.library().display().to_string()), "{said}");
}

#[test]
fn help_names_nothing_that_is_not_installed() {
    let installed = Installed::new();
    let help = installed.says(&["--help"]);
    assert!(help.contains("doctor") && !help.contains("bench"), "{help}");
    for command in COMMANDS.into_iter().filter(|command| *command != "bench") {
        assert!(installed.says(&[command, "--help"]).contains("Usage:"), "{command}");
    }
    for command in ["compose", "list", "show"] {
        assert!(installed.says(&["layers", command, "--help"]).contains("Usage:"), "{command}");
    }
}

#[test]
fn messages_name_nothing_that_is_not_installed() {
    let installed = Installed::new();
    assert!(installed.says(&["bench"]).contains("not installed"));
    let static_program = installed.0.path().join("static");
    xalloc_tests::copy(program(&["-static"]), &static_program);
    let static_program = static_program.to_str().expect("a path in UTF-8");
    assert!(installed.says(&["doctor", static_program]).contains("linked statically"));
    assert!(installed.says(&["run", static_program]).contains("cannot run under"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/program.c");
    for (compiler, reason) in [("musl-gcc", "musl"), ("aarch64-linux-gnu-gcc", "another machine")] {
        if has(compiler) {
            let foreign = installed.0.path().join(compiler);
            let status = Command::new(compiler).args(["-w", source, "-pthread", "-o"]).arg(&foreign).status();
            assert!(status.expect("it starts").success(), "{compiler}");
            let said = installed.says(&["doctor", foreign.to_str().expect("a path in UTF-8")]);
            assert!(said.contains(reason) || said.contains("aarch64"), "{said}");
        }
    }
}

#[test]
fn without_the_library_it_says_how_to_get_it() {
    let installed = Installed::new();
    std::fs::remove_file(installed.library()).expect("ours");
    for arguments in [
        &["run", "true"][..],
        &["doctor", "--run", "true"],
        &["list", "xalloc"],
        &["layers", "show", "allocator/xalloc"],
    ] {
        installed.says(arguments);
    }
    assert!(installed.says(&["doctor", "--run", "true"]).contains("libxalloc0"));
}

/// What bash gets for the last of these words when somebody presses Tab.
fn completed(words: &str) -> Vec<String> {
    let script = format!(
        "source <(xalloc completions bash)
         COMP_WORDS=(xalloc {words}) COMP_TYPE=9
         COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
         _clap_complete_xalloc xalloc \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let command = Path::new(env!("CARGO_BIN_EXE_xalloc")).parent().expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).env("PATH", format!("{}:{path}", command.display()));
    let output = bash.output().expect("bash is installed");
    stdout(&output).lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn a_shell_completes_commands_allocators_and_programs() {
    for command in COMMANDS {
        assert!(completed(&command[..command.len() - 1]).iter().any(|word| word == command), "{command}");
    }
    assert!(completed("run -a xall").contains(&"xalloc".to_owned()));
    assert!(completed("list syst").contains(&"system".to_owned()));
    assert!(completed("compare -a xalloc-l").iter().any(|word| word.ends_with("xalloc-lean")));
    assert!(completed("run bas").contains(&"bash".to_owned()));
    assert!(completed("doctor --js").contains(&"--json".to_owned()));
}
