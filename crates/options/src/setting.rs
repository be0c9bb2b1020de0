//! What an option is: its name, the values it takes, its text.

/// One option of `XALLOC_CONF`.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name before the colon.
    pub name: &'static str,
    /// What may stand after it.
    pub kind: Kind,
    /// The value that holds if the option is not given, in the grammar's own spelling.
    pub default: &'static str,
    /// One sentence for the user.
    pub help: &'static str,
    /// The heading it stands under in the documentation.
    pub category: &'static str,
}

/// The values an option takes.
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

/// The words an option takes; none if it takes other values too.
pub fn words(kind: &Kind) -> &'static [&'static str] {
    if *kind == Kind::Destination { &[] } else { known_words(kind) }
}

/// The words an option takes, whether or not it takes other values too.
pub(crate) fn known_words(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Switch | Kind::Destination => SWITCH,
        Kind::Count | Kind::Size => &[],
        Kind::Choice(words) => words,
    }
}
