//! A test file, run on a heap.

use crate::outcome::{Ending, Outcome};
use anyhow::{Context, Result, ensure};
use cargo_metadata::Message;
use std::collections::HashMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use xalloc_tests::checkout;
use xalloc_tests::heaps::{CHECK, File, Heap};

/// Tests whose subject is not the heap: glibc's malloc, the control; the pass-through heap, which is a heap of its own here; the
/// static library and the global allocator.
const OF_OTHERS: &[&str] = &["glibc/", "heap_system/", "xalloc heap:system/", "static/", "global/"];

/// The test files, built: their executables by their names.
pub struct Built(HashMap<String, PathBuf>);

impl Built {
    /// Builds them.
    ///
    /// # Errors
    /// They cannot be built.
    pub fn new(files: &[&File]) -> Result<Self> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["test", "--quiet", "--no-run", "--package", "xalloc-tests"]);
        cargo.arg("--message-format=json-render-diagnostics").current_dir(checkout());
        for file in files.iter().filter(|file| file.name != CHECK) {
            cargo.args(["--test", file.name]);
        }
        let mut child = cargo.stdout(Stdio::piped()).spawn().context("cargo does not start")?;
        let said = BufReader::new(child.stdout.take().context("a pipe")?);
        let mut executables = HashMap::new();
        for message in Message::parse_stream(said) {
            if let Message::CompilerArtifact(artifact) = message? {
                executables.extend(artifact.executable.map(|path| (artifact.target.name, path.into())));
            }
        }
        ensure!(child.wait()?.success(), "the tests cannot be built");
        Ok(Self(executables))
    }

    /// Runs a test file on a heap, with the tests that take long if `all` is true. What it prints goes to the file `log`.
    ///
    /// # Errors
    /// It does not start, or the log cannot be written.
    pub fn run(&self, heap: &Heap, file: &File, all: bool, log: &Path) -> Result<Outcome> {
        let long = if all { &[] } else { file.long };
        let not_promised: Vec<&str> = heap.gaps.iter().flat_map(|gap| gap.patterns(file.name)).collect();
        let mut outcome = Outcome::default();
        // Not without need: some run their fixture to know their tests.
        if !long.is_empty() || !not_promised.is_empty() {
            let names = self.names(heap, file)?;
            for pattern in
                long.iter().chain(&not_promised).filter(|pattern| !names.iter().any(|name| name.contains(**pattern)))
            {
                outcome
                    .add(format!("no name of a test contains '{pattern}', as tests/src/heaps has it"), Ending::Failed);
            }
            let left_out = [OF_OTHERS, long].concat();
            let left = names.iter().filter(|name| !left_out.iter().any(|pattern| name.contains(pattern)));
            left.filter_map(|name| heap.gap(file.name, name)).for_each(|gap| outcome.add_to_gap(gap));
        }
        let output = std::fs::File::create(log).with_context(|| log.display().to_string())?;
        let mut command = self.command(heap, file)?;
        let skipped = OF_OTHERS.iter().chain(long).chain(&not_promised);
        command.args(skipped.flat_map(|pattern| ["--skip", pattern]));
        let status = command.stdout(output.try_clone()?).stderr(output).status()?;
        for (name, ending) in endings(&String::from_utf8_lossy(&std::fs::read(log)?)) {
            outcome.add(name, ending);
        }
        if !status.success() && outcome.failed().is_empty() {
            outcome.add(format!("it ended before its tests did: {status}"), Ending::Failed);
        }
        Ok(outcome)
    }

    /// The names of the tests of a file.
    fn names(&self, heap: &Heap, file: &File) -> Result<Vec<String>> {
        let listed = self.command(heap, file)?.arg("--list").output()?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        Ok(listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }

    /// The harness, as cargo starts it.
    fn command(&self, heap: &Heap, file: &File) -> Result<Command> {
        let executable = self.0.get(file.name).with_context(|| format!("there is no executable of {}", file.name))?;
        let mut command = Command::new(executable);
        command.env("XALLOC_TEST_HEAP", heap.name).current_dir(checkout().join("tests"));
        Ok(command)
    }
}

/// The tests that a harness has run, each with its ending, from what it printed.
fn endings(said: &str) -> Vec<(String, Ending)> {
    let ending = |word: &str| match word {
        "ok" => Some(Ending::Passed),
        "FAILED" => Some(Ending::Failed),
        _ => word.starts_with("ignored").then_some(Ending::Skipped),
    };
    let line = |line: &str| {
        let (name, word) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
        Some((name.trim().to_owned(), ending(word)?))
    };
    said.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As both harnesses print it.
    #[test]
    fn endings_are_read() {
        let said = "running 4 tests\ntest short   ... ok\ntest a name: with words ... FAILED\ntest x (no python3) ... ignored\n\
                    skipped: gdb is not installed\ntest other ... ignored, why\n\ntest result: FAILED. 1 passed; 1 failed\n";
        let expected = [
            ("short", Ending::Passed),
            ("a name: with words", Ending::Failed),
            ("x (no python3)", Ending::Skipped),
            ("other", Ending::Skipped),
        ];
        assert_eq!(endings(said), expected.map(|(name, ending)| (name.to_owned(), ending)));
    }
}
