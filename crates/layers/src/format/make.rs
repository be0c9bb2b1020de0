//! The format for GNU make: `include toolchain.mk`.

use super::word::variables;
use crate::composition::Composition;
use crate::words::System;

pub(super) fn render(composition: &Composition) -> String {
    let mut text = composition.title();
    for (name, value) in variables(composition) {
        text += &format!("{name} := {}\n", escape(&value));
    }
    for (name, value) in &composition.runtime_environment {
        // What the user preloads already stays, after our libraries.
        let rest =
            if System::is_preload_variable(name) { format!("$(if $({name}),:$({name}))") } else { String::new() };
        text += &format!("export {name} := {}{rest}\n", escape(value));
    }
    text
}

/// Returns `value` as the right side of an assignment.
fn escape(value: &str) -> String {
    let mut escaped = String::new();
    let mut backslashes = 0;
    for letter in value.chars() {
        match letter {
            '$' => escaped.push('$'),
            // Make halves the backslashes before a #, and takes a # after an even number of them for a comment.
            '#' => escaped.extend(std::iter::repeat_n('\\', backslashes + 1)),
            _ => {}
        }
        backslashes = if letter == '\\' { backslashes + 1 } else { 0 };
        escaped.push(letter);
    }
    // A reference to no variable is empty. It protects a space at the beginning, and keeps a backslash from the end of the
    // line.
    let before = if value.starts_with(' ') { "$()" } else { "" };
    let after = if value.ends_with('\\') { "$()" } else { "" };
    format!("{before}{escaped}{after}")
}

#[cfg(test)]
mod tests {
    use super::super::thorny::thorny;
    use super::*;
    use std::process::Command;

    /// What `recipe` prints under make with the composition included.
    fn make(recipe: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let makefile = directory.path().join("Makefile");
        std::fs::write(&makefile, format!("{}\nall:\n\t@{recipe}\n", render(&thorny()))).unwrap();
        let output = Command::new("make").arg("-f").arg(&makefile).env_remove("LD_PRELOAD").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn make_reads_back_every_value() {
        if !xalloc_tests::has("make") {
            return;
        }
        assert_eq!(make("printf %s \"$$MY_VALUE\""), thorny().runtime_environment["MY_VALUE"]);
        assert_eq!(make("printf '%s|' $(CFLAGS)"), thorny().compile_flags.join("|") + "|");
        assert_eq!(make("printf '%s|' $(CPPFLAGS)"), format!("-DPLAIN|-D{}|", thorny().defines[1]));
        let argument = format!("-DMY_TEXT={}|", thorny().cmake_variables["MY_TEXT"]);
        assert!(make("printf '%s|' $(CMAKE_ARGUMENTS)").ends_with(&argument));
        assert_eq!(make("printf %s \"$$LD_PRELOAD\""), "/lib/libm.so.6");
    }

    #[test]
    fn backslashes_before_a_hash_are_kept() {
        assert_eq!(escape("a\\#b"), "a\\\\\\#b");
        assert_eq!(escape("#$\\"), "\\#$$\\$()");
    }
}
