//! The options that say what of the process is observed.

use crate::profile;
use crate::wanted::xalloc_wanted;
use core::sync::atomic::Ordering;
use xalloc_observe::layout::SAMPLE;
use xalloc_observe::{COUNTERS, PROFILE};
use xalloc_options::Value;

/// What is to be observed.
pub struct Observation<'a> {
    /// [`COUNTERS`], [`PROFILE`].
    what: u32,
    sample: usize,
    /// The file for the heap profile at the end. The path is that of the option, with its `%`.
    file: Option<&'a [u8]>,
}

impl<'a> Observation<'a> {
    /// Returns that nothing is.
    pub fn new() -> Self {
        Self { what: 0, sample: SAMPLE as usize, file: None }
    }

    /// Takes an option. Returns false if it is none about this.
    pub fn set(&mut self, name: &str, value: Value<'a>) -> bool {
        match (name, value) {
            ("observe", value) => self.want(COUNTERS, value == Value::Switch(true)),
            ("prof", value) => self.want(PROFILE, value == Value::Switch(true)),
            ("prof_sample", Value::Size(bytes)) => self.sample = bytes,
            ("prof_final", Value::Path(path)) => self.file = Some(path),
            ("prof_final", _) => self.file = None,
            _ => return false,
        }
        true
    }

    fn want(&mut self, what: u32, is_wanted: bool) {
        self.what = if is_wanted { self.what | what } else { self.what & !what };
    }

    /// Has it observed from the first allocation on.
    pub fn apply(&self) {
        if self.what != 0 {
            // Relaxed, both: read again on every slow path.
            xalloc_wanted.what.store(self.what, Ordering::Relaxed);
            xalloc_wanted.sample.store(self.sample as u64, Ordering::Relaxed);
        }
        if let Some(path) = self.file {
            profile::write_to(path);
        }
    }
}
