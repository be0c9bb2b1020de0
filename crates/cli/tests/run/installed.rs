//! What is installed beside the command: manual pages, and completions for shells.

use super::{directory, stdout, xalloc};
use std::path::Path;
use std::process::Command;

const COMMANDS: [&str; 9] = ["run", "env", "list", "doctor", "compare", "layers", "bench", "man", "completions"];

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
    let configuration = read(&pages.join("man5/xalloc.conf.5"));
    for option in xalloc_options::OPTIONS {
        assert!(configuration.contains(&format!(".BI {}: value", option.name.replace('-', "\\-"))), "{}", option.name);
    }
    let library = read(&pages.join("man7/libxalloc.7"));
    for name in ["LD_PRELOAD", "XALLOC_CONF", "/etc/xalloc.conf"] {
        assert!(library.contains(name), "{name}");
    }
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
