//! The word by which the library is told what to observe.

use xalloc_observe::Wanted;

/// What is to be observed in this process. The command finds it by its name in a process that was started with nothing observed,
/// and writes it.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "a name of C's")]
pub static xalloc_wanted: Wanted = Wanted::nothing();
