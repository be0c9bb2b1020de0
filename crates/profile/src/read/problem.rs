//! What can be wrong with a profile.

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It begins as no heap profile does.
    #[error("it is no heap profile: its first line is neither heap_v2/INTERVAL nor 'heap profile: …'")]
    Foreign,
    /// It is compressed.
    #[error(
        "it is compressed: decompress it with gunzip; if it is in pprof's format, 'go tool pprof' opens it as it is"
    )]
    Compressed,
    /// There is nothing in it.
    #[error("it is empty: the program ended before it had written the profile, or the disk was full")]
    Empty,
    /// It ends too early.
    #[error(
        "it is truncated: line {0} is its last, and there is no MAPPED_LIBRARIES behind the stacks; let the program write it again"
    )]
    Truncated(usize),
    /// A line makes no sense.
    #[error("line {line}: {what}; let the program write it again")]
    Line {
        /// The line's number, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
}
