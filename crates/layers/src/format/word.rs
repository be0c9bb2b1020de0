//! Words of a command line, in a form that a POSIX shell reads back unchanged.

use crate::composition::Composition;
use std::borrow::Cow;

/// Returns `text` as one word. The usual characters of flags are not quoted, so that `$CFLAGS` works without `eval` where it
/// can.
pub(super) fn quote(text: &str) -> Cow<'_, str> {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "-_=+,./:@".contains(letter);
    if !text.is_empty() && text.chars().all(is_bare) {
        return Cow::Borrowed(text);
    }
    shlex::Quoter::new().allow_nul(true).quote(text).unwrap_or(Cow::Borrowed(text))
}

/// Returns all of `words`, with spaces between them.
pub(super) fn join<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    words.into_iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// The variables with which CMake takes a build for one for another machine, as soon as one of them is set; each with CMake's
/// variable for the machine that builds.
pub(super) const CROSS: [(&str, &str); 2] =
    [("CMAKE_SYSTEM_NAME", "CMAKE_HOST_SYSTEM_NAME"), ("CMAKE_SYSTEM_PROCESSOR", "CMAKE_HOST_SYSTEM_PROCESSOR")];

/// Returns whether `variable` is one of [`CROSS`].
pub(super) fn is_cross(variable: &str) -> bool {
    CROSS.iter().any(|(name, _)| *name == variable)
}

/// Returns the variables that makefiles and configure scripts read, with the values that CMake gets on its command line.
pub(super) fn variables(composition: &Composition) -> Vec<(&'static str, String)> {
    let tools =
        [("CC", "CMAKE_C_COMPILER"), ("CXX", "CMAKE_CXX_COMPILER"), ("AR", "CMAKE_AR"), ("RANLIB", "CMAKE_RANLIB")];
    let tool = |(name, variable)| Some((name, quote(composition.cmake_variables.get(variable)?).into_owned()));
    let mut variables: Vec<_> = tools.into_iter().filter_map(tool).collect();
    let defines: Vec<_> = composition.defines.iter().map(|define| format!("-D{define}")).collect();
    // A command line cannot ask what the machine is. A toolchain file can, and sets these too.
    let for_cmake: Vec<_> = composition.cmake_variables.iter().filter(|(name, _)| !is_cross(name)).collect();
    let for_cmake: Vec<_> = for_cmake.into_iter().map(|(name, value)| format!("-D{name}={value}")).collect();
    variables.extend([
        ("CPPFLAGS", join(&defines)),
        ("CFLAGS", join(&composition.compile_flags)),
        ("CXXFLAGS", join(&composition.compile_flags)),
        ("LDFLAGS", join(&composition.link_flags)),
        ("CMAKE_ARGUMENTS", join(&for_cmake)),
    ]);
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stay_bare_and_all_else_is_quoted() {
        assert_eq!(quote("-Wl,--push-state,--no-as-needed"), "-Wl,--push-state,--no-as-needed");
        assert_eq!(quote("--std=c++20"), "--std=c++20");
        for text in ["", "a b", "{a,b}", "a'b", "!x", "a\\", "~", "*", "é", "a^b"] {
            assert_ne!(quote(text), text);
            assert_eq!(shlex::split(&quote(text)).unwrap(), [text]);
        }
    }
}
