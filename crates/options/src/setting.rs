//! The description of an option: its name, the values that it takes, its text.

/// One option of `XALLOC_CONF`.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name, which stands before the colon.
    pub name: &'static str,
    /// The kind of value that stands after the colon.
    pub kind: Kind,
    /// The value that holds if the option is not given, as a user would write it.
    pub default: &'static str,
    /// What it does, in one sentence for the user.
    pub help: &'static str,
    /// The heading under which the documentation has it.
    pub category: &'static str,
}

/// The values that an option takes.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// A number from 0 on.
    Count,
    /// A number of bytes, also as `64K`, `2M`, `1G`.
    Size,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true`, `false`, or the path of a file.
    Destination,
}

/// The words of a [`Kind::Switch`].
pub(crate) const SWITCH: &[&str] = &["true", "false"];

/// Returns the words that an option takes; none if it takes other values too.
pub fn words(kind: &Kind) -> &'static [&'static str] {
    if *kind == Kind::Destination { &[] } else { known_words(kind) }
}

/// Returns the words that an option takes, even if it takes other values too.
pub(crate) fn known_words(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Switch | Kind::Destination => SWITCH,
        Kind::Count | Kind::Size => &[],
        Kind::Choice(words) => words,
    }
}
