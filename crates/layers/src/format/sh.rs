//! The format for a POSIX shell: `eval "$(xalloc layers compose … --format sh)"`.

use super::word::{quote, variables};
use crate::composition::Composition;
use crate::words::System;

pub(super) fn render(composition: &Composition) -> String {
    let mut text = composition.title();
    for (name, value) in variables(composition) {
        text += &format!("export {name}={}\n", quote(&value));
    }
    for (name, value) in &composition.runtime_environment {
        // What the user preloads already stays, after our libraries.
        let rest = if System::is_preload_variable(name) { format!("\"${{{name}:+:${name}}}\"") } else { String::new() };
        text += &format!("export {name}={}{rest}\n", quote(value));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::thorny::thorny;
    use super::*;
    use std::process::Command;

    fn shell(script: &str) -> String {
        let script = format!("{}\n{script}", render(&thorny()));
        let output = Command::new("sh").args(["-euc", &script]).env_remove("LD_PRELOAD").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_shell_reads_back_every_value() {
        assert_eq!(shell("printf %s \"$MY_VALUE\""), thorny().runtime_environment["MY_VALUE"]);
        assert_eq!(shell("printf '%s|' $LDFLAGS"), "-Wl,--push-state,--no-as-needed|-Wl,--pop-state|");
        assert_eq!(shell("eval \"set -- $CFLAGS\"; printf '%s|' \"$@\""), thorny().compile_flags.join("|") + "|");
        let defines = shell("eval \"set -- $CPPFLAGS\"; printf '%s|' \"$@\"");
        assert_eq!(defines, format!("-DPLAIN|-D{}|", thorny().defines[1]));
        let argument = format!("-DMY_TEXT={}|", thorny().cmake_variables["MY_TEXT"]);
        assert!(shell("eval \"set -- $CMAKE_ARGUMENTS\"; printf '%s|' \"$@\"").ends_with(&argument));
    }

    #[test]
    fn what_is_preloaded_already_stays() {
        assert_eq!(shell("printf %s \"$LD_PRELOAD\""), "/lib/libm.so.6");
        let twice = render(&thorny());
        assert_eq!(shell(&format!("{twice}\nprintf %s \"$LD_PRELOAD\"")), "/lib/libm.so.6:/lib/libm.so.6");
    }
}
