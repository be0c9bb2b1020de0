//! Paths with `%p`, `%e` and `%%`.

/// The length of the longest path that is accepted, in bytes.
pub const PATH_MAX: usize = 1024;

/// A part of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A byte that stands for itself.
    Byte(u8),
    /// `%p`: the process id.
    Process,
    /// `%e`: the program's name.
    Program,
}

/// Returns whether a value is a path. It must be absolute, because programs change their directory.
pub fn is_path(value: &[u8]) -> bool {
    value.starts_with(b"/") && value.len() <= PATH_MAX && !value.contains(&0) && parts(value).all(|part| part.is_some())
}

/// Returns the parts of a path, in order; `None` for a `%` without a meaning.
pub fn parts(path: &[u8]) -> impl Iterator<Item = Option<Part>> {
    let mut bytes = path.iter();
    core::iter::from_fn(move || {
        Some(match bytes.next()? {
            b'%' => match bytes.next() {
                Some(b'p') => Some(Part::Process),
                Some(b'e') => Some(Part::Program),
                Some(b'%') => Some(Part::Byte(b'%')),
                _ => None,
            },
            &byte => Some(Part::Byte(byte)),
        })
    })
}
