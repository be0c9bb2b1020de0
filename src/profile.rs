//! Writes the heap profile when the process ends, to the file that the option `prof_final` names.

use crate::output_file::OutputFile;
use xalloc_observe::Observed;
use xalloc_os::syscall;
use xalloc_redirect::Heap;

static FILE: OutputFile = OutputFile::new();

/// Sets the file. `path` is a value of the option. Called during start-up.
pub fn write_to(path: &[u8]) {
    FILE.set(path);
}

/// Returns whether the profile is to be written when the process ends.
pub fn is_wanted() -> bool {
    FILE.is_set()
}

/// Writes the profile. If it cannot be written, prints one line on stderr.
pub fn write<H: Heap>(heap: &Observed<H>) {
    FILE.write("samples of the heap profile", |path| {
        let file = syscall::open_new(path)?;
        let written = heap.write_profile(file);
        syscall::close(file);
        written
    });
}
