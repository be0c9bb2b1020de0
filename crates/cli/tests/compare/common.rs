//! What the tests of `xalloc compare` share: the command, libraries made for it, and its report.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory that lives as long as its test.
pub struct Place(tempfile::TempDir);

impl Place {
    /// A new one.
    pub fn new() -> Self {
        Self(xalloc_tests::preloadable())
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().expect("it exists").join(name)
    }

    /// Compiles C.
    pub fn compile(&self, name: &str, source: &str, flags: &[&str]) -> PathBuf {
        let (output, input) = (self.file(name), self.file(&format!("{name}.c")));
        std::fs::write(&input, source).unwrap();
        let status = Command::new("cc").args(flags).arg("-o").args([&output, &input]).status();
        assert!(status.expect("cc is installed").success(), "cc failed on {source}");
        output
    }

    /// A copy of our own library, under a name of its own.
    pub fn library(&self) -> PathBuf {
        let copy = self.file("plain.so");
        std::fs::copy(xalloc_tests::library(), &copy).expect("a copy");
        copy
    }

    /// `xalloc compare`, its report as JSON, and its output.
    pub fn compare(&self, arguments: &[&str]) -> (Value, Output) {
        let json = self.file("report.json");
        let mut command = compare();
        let output = command.arg("--json").arg(&json).args(arguments).output().expect("the command starts");
        let text = std::fs::read_to_string(&json).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        (serde_json::from_str(&text).expect("the report is JSON"), output)
    }
}

/// The command without what the caller may have in the environment.
pub fn compare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xalloc"));
    command.arg("compare").env_remove("LD_PRELOAD").env_remove("MALLOC_ARENA_MAX").env_remove("XALLOC_CONF");
    command
}

/// A candidate's part of a report.
pub fn row<'a>(report: &'a Value, name: &str) -> &'a Value {
    let rows = report["rows"].as_array().expect("rows");
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no row {name}: {report}"))
}

/// Why a candidate failed.
pub fn reason<'a>(report: &'a Value, name: &str) -> &'a str {
    row(report, name)["failure"]["reason"].as_str().unwrap_or_else(|| panic!("{name} did not fail"))
}

/// `name=path`, as `-a` takes it.
pub fn named(name: &str, library: &Path) -> String {
    format!("{name}={}", library.display())
}

/// Returns whether `program` is on the `PATH`; says that a test is skipped if not.
pub fn installed(program: &str) -> bool {
    let is_there = xalloc_tests::installed(program);
    if !is_there {
        xalloc_tests::skip(&format!("{program} is not installed"));
    }
    is_there
}
