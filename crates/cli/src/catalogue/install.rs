//! How to get an allocator that this machine does not have.

use serde::Serialize;
use std::path::Path;
use xalloc_layers::{Allocator, PackageManager};

/// The commands that install an allocator, and where else it can be had.
#[derive(Clone, Debug, Serialize)]
pub struct Instructions {
    /// The command for this distribution; `None` if it has no package.
    pub here: Option<String>,
    /// Whether the package was tried. Otherwise only its name is known.
    pub tried: bool,
    /// The commands for other distributions.
    pub elsewhere: Vec<String>,
    /// How to build it from its sources.
    pub source: Option<String>,
}

impl Instructions {
    /// Returns the instructions for an allocator on this machine.
    pub fn of(allocator: &Allocator) -> Self {
        Self::on(allocator, package_manager(&os_release()))
    }

    fn on(allocator: &Allocator, manager: Option<PackageManager>) -> Self {
        let command = |manager: PackageManager| {
            let package = allocator.packages.run.get(&manager)?;
            Some(format!("{}{} {}", privileges(manager), manager.install(), package.names.join(" ")))
        };
        let others = allocator.packages.run.keys().filter(|other| Some(**other) != manager);
        Self {
            here: manager.and_then(command),
            tried: manager
                .and_then(|manager| allocator.packages.run.get(&manager))
                .is_some_and(|package| package.tried),
            elsewhere: others.filter_map(|other| command(*other)).collect(),
            source: allocator.source.clone().or_else(|| allocator.homepage.clone()),
        }
    }
}

impl std::fmt::Display for Instructions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.here {
            Some(command) => write!(formatter, "Install it: {command}")?,
            None => write!(formatter, "No package of it is known here for this distribution.")?,
        }
        if self.here.is_some() && !self.tried {
            write!(formatter, " (a name that was not tried)")?;
        }
        if !self.elsewhere.is_empty() {
            write!(formatter, "\nElsewhere: {}", self.elsewhere.join("; "))?;
        }
        match &self.source {
            Some(source) => write!(formatter, "\nFrom source: {source}"),
            None => Ok(()),
        }
    }
}

/// Returns what stands before the command: Homebrew installs as the user, the others as root.
fn privileges(manager: PackageManager) -> &'static str {
    let is_root = rustix::process::geteuid().is_root();
    if manager == PackageManager::Brew || is_root { "" } else { "sudo " }
}

/// Returns the `ID` and `ID_LIKE` of this distribution, nearest first.
fn os_release() -> Vec<String> {
    if cfg!(target_os = "macos") {
        return vec!["macos".into()];
    }
    let files = ["/etc/os-release", "/usr/lib/os-release"];
    let text = files.into_iter().find_map(|path| std::fs::read_to_string(Path::new(path)).ok()).unwrap_or_default();
    identifiers(&text)
}

/// Reads os-release(5), whose lines are assignments for a shell.
fn identifiers(text: &str) -> Vec<String> {
    let value = |wanted: &str| {
        let words = text.lines().filter_map(shlex::split).flatten();
        words.filter_map(|word| Some(word.strip_prefix(wanted)?.strip_prefix('=')?.to_owned())).next_back()
    };
    let own = value("ID").into_iter();
    let like = value("ID_LIKE").unwrap_or_default();
    own.chain(like.split_whitespace().map(str::to_owned)).collect()
}

fn package_manager(identifiers: &[String]) -> Option<PackageManager> {
    identifiers.iter().find_map(|identifier| match identifier.as_str() {
        "debian" | "ubuntu" => Some(PackageManager::Apt),
        "fedora" | "rhel" | "centos" => Some(PackageManager::Dnf),
        "arch" => Some(PackageManager::Pacman),
        "suse" | "opensuse" => Some(PackageManager::Zypper),
        "alpine" => Some(PackageManager::Apk),
        "macos" => Some(PackageManager::Brew),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use xalloc_layers::Catalogue;

    fn manager(text: &str) -> Option<PackageManager> {
        package_manager(&identifiers(text))
    }

    #[test]
    fn distributions_are_told_apart() {
        assert_eq!(manager("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n"), Some(PackageManager::Apt));
        assert_eq!(manager("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), Some(PackageManager::Apt));
        assert_eq!(manager("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Some(PackageManager::Dnf));
        assert_eq!(manager("ID='opensuse-leap'\nID_LIKE='suse opensuse'\n"), Some(PackageManager::Zypper));
        assert_eq!(manager("NAME=Unknown\n"), None);
    }

    #[test]
    fn one_command_for_here_and_the_others_named() {
        let jemalloc = Catalogue::builtin().allocator("jemalloc").unwrap();
        let here = Instructions::on(&jemalloc, Some(PackageManager::Apt));
        assert!(here.here.unwrap().ends_with("apt install libjemalloc2") && here.tried);
        assert!(here.elsewhere.iter().any(|command| command == "brew install jemalloc"));
        let hoard = Catalogue::builtin().allocator("hoard").unwrap();
        let text = Instructions::on(&hoard, Some(PackageManager::Apt)).to_string();
        assert!(text.starts_with("No package of it is known here") && text.contains("From source: "), "{text}");
    }
}
