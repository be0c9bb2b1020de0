//! What can be found about a program: a stable code, how bad it is, why, and what to do.

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A preload cannot work, or does harm: that is certain.
    Obstacle,
    /// A preload may not do what is wanted, which only a run can show.
    Warning,
    /// A preload works; this is worth knowing.
    Note,
}

/// One thing found about a program.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// A word that never changes, for scripts: `static`, `set-uid`, …
    pub code: &'static str,
    /// Obstacle, warning or note.
    pub severity: Severity,
    /// Why, in a sentence.
    pub reason: String,
    /// What to do, in a sentence.
    pub way_out: String,
}

impl Finding {
    /// A reason why a preload cannot work or must not be tried.
    pub fn obstacle(code: &'static str, reason: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { code, severity: Severity::Obstacle, reason: reason.into(), way_out: way_out.into() }
    }

    /// A reason why a preload may not do what is wanted.
    pub fn warning(code: &'static str, reason: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { code, severity: Severity::Warning, reason: reason.into(), way_out: way_out.into() }
    }

    /// Something worth knowing.
    pub fn note(code: &'static str, reason: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { code, severity: Severity::Note, reason: reason.into(), way_out: way_out.into() }
    }
}
