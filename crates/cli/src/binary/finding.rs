//! A finding about a program: a stable code, its severity, the reason, and what to do.

use serde::Serialize;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A preload certainly cannot work, or does harm.
    Obstacle,
    /// A preload may not do what is wanted; only a run can show it.
    Warning,
    /// A preload works, and the user may want to know this.
    Note,
}

/// One thing found about a program.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// A word that never changes, for scripts: `static`, `set-uid`, …
    pub code: &'static str,
    /// Obstacle, warning or note.
    pub severity: Severity,
    /// The reason, in a sentence.
    pub reason: String,
    /// What to do, in a sentence.
    pub way_out: String,
}

impl Finding {
    /// Returns the finding that a preload cannot work or must not be tried.
    pub fn obstacle(code: &'static str, reason: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { code, severity: Severity::Obstacle, reason: reason.into(), way_out: way_out.into() }
    }

    /// Returns the finding that a preload may not do what is wanted.
    pub fn warning(code: &'static str, reason: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { code, severity: Severity::Warning, reason: reason.into(), way_out: way_out.into() }
    }

    /// Returns a finding that the user may want to know.
    pub fn note(code: &'static str, reason: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { code, severity: Severity::Note, reason: reason.into(), way_out: way_out.into() }
    }
}
