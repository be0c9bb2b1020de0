//! A process, as the kernel knows it.

use crate::exit;
use crate::refusal::Refusal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, getuid, pidfd_open};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A process that ran when it was found.
pub struct Process {
    id: Pid,
    /// Stays this process's, even if its number becomes another one's.
    descriptor: OwnedFd,
    status: Status,
}

impl Process {
    /// Returns the process with this number.
    ///
    /// # Errors
    /// There is none that has memory; the message says why.
    pub fn find(number: u32) -> Result<Self, Refusal> {
        let none = || failed(format!("there is no process {number}"));
        let id = i32::try_from(number).ok().and_then(Pid::from_raw).ok_or_else(none)?;
        if !PathBuf::from("/proc/self/status").exists() {
            return Err(failed("processes cannot be seen: /proc is not mounted".into()));
        }
        let status = Status::read(&format!("/proc/{id}")).map_err(|_| none())?;
        if status.process != number {
            let owner = status.process;
            return Err(failed(format!("{number} is a thread of process {owner}: name that one")));
        }
        let descriptor = pidfd_open(id, PidfdFlags::empty()).map_err(|error| match error {
            Errno::NOSYS => failed("processes can be watched from Linux 5.3 on (pidfd_open)".into()),
            _ => none(),
        })?;
        let process = Self { id, descriptor, status };
        if process.has_ended() {
            return Err(process.ended());
        }
        if !process.status.has_memory {
            let name = &process.status.name;
            return Err(failed(format!("process {number} ({name}) is a part of the kernel, and has no memory")));
        }
        Ok(process)
    }

    /// Returns its number.
    pub fn id(&self) -> Pid {
        self.id
    }

    /// Returns its name, as the kernel has it.
    pub fn name(&self) -> &str {
        &self.status.name
    }

    /// Returns its number as it knows it itself, in a container.
    pub fn own_id(&self) -> u32 {
        self.status.inner
    }

    /// Returns the path of something that /proc has of it.
    pub fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.id))
    }

    /// Returns whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.ends_within(Duration::ZERO)
    }

    /// Waits for its end, at most this long. Returns whether it has ended.
    pub fn ends_within(&self, limit: Duration) -> bool {
        let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() };
        // A signal that is handled ends the wait early, which makes no difference to those who call this.
        poll(&mut [PollFd::new(&self.descriptor, PollFlags::IN)], Some(&limit)).is_ok_and(|ready| ready > 0)
    }

    /// Returns the names of its threads by the numbers that they have for themselves. Empty if it has ended.
    pub fn threads(&self) -> BTreeMap<u64, String> {
        let entries = self.path("task").read_dir().into_iter().flatten().flatten();
        let threads = entries.filter_map(|entry| Status::read(&entry.path().display().to_string()).ok());
        threads.map(|status| (status.inner.into(), status.name)).collect()
    }

    /// Returns the refusal of a process that has ended.
    pub fn ended(&self) -> Refusal {
        failed(format!("process {} ({}) has ended", self.id, self.status.name))
    }

    /// Returns the refusal where the kernel did not let this command do `what` with the process.
    pub fn refused(&self, what: &str, error: &io::Error) -> Refusal {
        if self.has_ended() {
            return self.ended();
        }
        let Self { id, status: Status { name, user, .. }, .. } = self;
        if error.kind() != io::ErrorKind::PermissionDenied {
            return failed(format!("cannot {what} of process {id} ({name}): {error}"));
        }
        let why = if *user == getuid().as_raw() {
            "it has rights that its caller has not, or lets nobody look at it (PR_SET_DUMPABLE)".to_owned()
        } else {
            format!("it is another user's (uid {user})")
        };
        failed(format!("cannot {what} of process {id} ({name}): {why}; call this command as root (sudo)"))
    }

    /// Returns the refusal where the kernel did not let this command write to the memory of the process.
    pub fn not_written(&self, error: &io::Error) -> Refusal {
        if self.has_ended() {
            return self.ended();
        }
        let Self { id, status: Status { name, user, .. }, .. } = self;
        let why = match (error.raw_os_error(), yama_scope()) {
            (Some(libc::EPERM), _) if *user != getuid().as_raw() => format!("it is another user's (uid {user})"),
            (Some(libc::EPERM), Some(scope @ 1..)) => {
                format!("this kernel lets no other process do so (kernel.yama.ptrace_scope is {scope})")
            }
            _ => error.to_string(),
        };
        failed(format!(
            "cannot tell process {id} ({name}) to count: {why}; call this command as root (sudo), or start the program with \
             XALLOC_CONF=observe:true"
        ))
    }
}

/// Returns the refusal with this message, of a process that cannot be observed.
pub fn failed(message: String) -> Refusal {
    Refusal { message, code: exit::FOUND }
}

fn yama_scope() -> Option<u32> {
    std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok()?.trim().parse().ok()
}

/// What the kernel says of a process or a thread.
struct Status {
    name: String,
    process: u32,
    /// Its number as it knows it itself.
    inner: u32,
    user: u32,
    has_memory: bool,
}

impl Status {
    fn read(directory: &str) -> io::Result<Self> {
        let text = std::fs::read(format!("{directory}/status"))?;
        Self::parse(&String::from_utf8_lossy(&text)).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn parse(text: &str) -> Option<Self> {
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let mut numbers = line("NSpid").unwrap_or(line("Pid")?).split_whitespace();
        Some(Self {
            name: line("Name")?.trim().to_owned(),
            process: line("Tgid")?.trim().parse().ok()?,
            inner: numbers.next_back()?.parse().ok()?,
            user: line("Uid")?.split_whitespace().next()?.parse().ok()?,
            has_memory: line("VmSize").is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_is_the_one_that_it_has_for_itself() {
        let text = "Name:\ta b\nState:\tS\nTgid:\t70\nPid:\t70\nUid:\t5\t6\t7\t8\nNSpid:\t70\t3\nVmSize:\t 8 kB\n";
        let status = Status::parse(text).expect("a status");
        assert_eq!((status.name.as_str(), status.process, status.inner, status.user), ("a b", 70, 3, 5));
        assert!(status.has_memory);
        assert!(Status::parse("Name:\tx\n").is_none());
    }

    #[test]
    fn numbers_of_no_process_are_refused() {
        let refusal = |number| Process::find(number).err().expect("a refusal").message;
        assert_eq!(refusal(0), "there is no process 0");
        assert_eq!(refusal(u32::MAX), "there is no process 4294967295");
    }
}
