//! The workloads: those of `xalloc-workloads`, and the scripts in `benches/programs`, which run real programs.

use super::numbers;
use crate::catalogue::candidate::Candidate;
use crate::refusal::Refusal;
use anyhow::{Context, Result};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::Command;
use xalloc_layers::nearest;

/// The kind of a workload. The geometric means are given for each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// A program that does little but allocate.
    Synthetic,
    /// A real program at work.
    Program,
    /// A real program that is over at once.
    Small,
}

/// A workload of `xalloc bench`.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The name in tables.
    pub name: String,
    /// What it does, in one line.
    pub about: String,
    /// The kind of the workload.
    pub group: Group,
    /// The program to run.
    pub program: PathBuf,
    /// The program's arguments.
    pub arguments: Vec<String>,
}

impl Workload {
    /// Returns the command that runs the workload under an allocator.
    pub fn command(&self, allocator: &Candidate) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_remove("LD_PRELOAD");
        // A script decides itself which of the programs that it starts is measured.
        let variable = if self.group == Group::Synthetic { "LD_PRELOAD" } else { "ALLOCATOR" };
        command.envs(allocator.environment.iter().map(|(name, value)| (name, value)));
        match &allocator.library {
            Some(library) => command.env(variable, library),
            None => command.env_remove(variable),
        };
        command
    }
}

/// Returns the workloads whose names begin with one of the `wanted`, or all of them.
pub fn choose(runner: &Path, programs: Option<&Path>, wanted: &[String]) -> Result<Vec<Workload>> {
    if programs.is_none() {
        eprintln!("xalloc bench: benches/programs is not above this command; real programs are left out");
    }
    let mut all = all(runner, programs)?;
    for word in wanted {
        if !all.iter().any(|workload| workload.name.starts_with(word.as_str())) {
            let nearest = nearest(word, all.iter().map(|workload| workload.name.as_str()));
            let question = nearest.map_or(String::new(), |name| format!("; did you mean '{name}'?"));
            let message = format!("no workload's name begins with '{word}'; --list names them{question}");
            return Err(Refusal::wrong_usage(message).into());
        }
    }
    all.retain(|workload| wanted.is_empty() || wanted.iter().any(|word| workload.name.starts_with(word.as_str())));
    Ok(all)
}

/// Returns all workloads: those of the runner, and the scripts in the directory `programs`, if there is one.
pub fn all(runner: &Path, programs: Option<&Path>) -> Result<Vec<Workload>> {
    let mut all = synthetic(runner)?;
    if let Some(programs) = programs {
        all.extend(scripts(programs)?);
    }
    Ok(all)
}

fn synthetic(runner: &Path) -> Result<Vec<Workload>> {
    let workload = |(name, about): (String, String)| Workload {
        arguments: vec![name.clone()],
        name,
        about,
        group: Group::Synthetic,
        program: runner.to_owned(),
    };
    Ok(numbers::list(runner, "list")?.into_iter().map(workload).collect())
}

/// Returns the executable scripts of a directory. Their second and third lines are `# about: …` and, for a small program, `#
/// group: small`.
fn scripts(directory: &Path) -> Result<Vec<Workload>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let path = entry?.path();
        let (Some(name), true) = (path.file_name().and_then(|name| name.to_str()), is_executable(&path)) else {
            continue;
        };
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let field = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": "));
            line.map(str::to_owned)
        };
        found.push(Workload {
            name: name.into(),
            about: field("about").with_context(|| format!("{} has no line '# about: …'", path.display()))?,
            group: if field("group").as_deref() == Some("small") { Group::Small } else { Group::Program },
            program: path,
            arguments: Vec::new(),
        });
    }
    found.sort_by(|a, b| (a.group == Group::Small, &a.name).cmp(&(b.group == Group::Small, &b.name)));
    Ok(found)
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
