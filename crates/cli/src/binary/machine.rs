//! The machine to which a preloaded library must fit: processor, system, C library, and the rights of the user who starts the
//! program.

use super::facts::Binary;
use super::kinds::{CLibrary, Format};
use super::processor::Processor;

/// The machine to which a preloaded library must fit.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The library's processor.
    pub processor: Processor,
    /// The library's format.
    pub format: Format,
    /// The library's C library; `None` if it needs none, or if it is not known.
    pub c_library: Option<CLibrary>,
    /// Whether the library also serves modules that are opened with `RTLD_DEEPBIND`, for which it must define `dlopen`.
    pub serves_deepbind: bool,
    /// The user who starts the program.
    pub user: u32,
    /// The group of that user.
    pub group: u32,
}

impl Machine {
    /// Returns this machine: the one for which this command itself was built.
    pub fn here() -> Self {
        let (format, c_library) = match () {
            () if cfg!(target_os = "macos") => (Format::MachO, CLibrary::LibSystem),
            () if cfg!(target_env = "musl") => (Format::Elf, CLibrary::Musl),
            () => (Format::Elf, CLibrary::Glibc),
        };
        Self::with(Processor::here(), format, Some(c_library), true)
    }

    /// Returns the machine to which a library fits.
    pub fn of(library: &Binary) -> Self {
        let serves_deepbind = library.exports.contains("dlopen");
        Self::with(library.processor.clone(), library.format, library.c_library, serves_deepbind)
    }

    fn with(processor: Processor, format: Format, c_library: Option<CLibrary>, serves_deepbind: bool) -> Self {
        Self {
            processor,
            format,
            c_library,
            serves_deepbind,
            user: rustix::process::getuid().as_raw(),
            group: rustix::process::getgid().as_raw(),
        }
    }
}
