//! Which signals may be caught.

use std::ffi::c_int;

/// Those of `signals` that are not ignored: who has them ignored (`nohup`) wants them to stay so.
pub fn not_ignored(signals: &[c_int]) -> Vec<c_int> {
    let is_ignored = |signal: c_int| {
        // SAFETY: zeros are a valid sigaction, which the call fills in; nothing is changed.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) };
        asked == 0 && action.sa_sigaction == libc::SIG_IGN
    };
    signals.iter().copied().filter(|&signal| !is_ignored(signal)).collect()
}
