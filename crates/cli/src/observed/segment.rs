//! The segment of a process, mapped.

use super::process::{Process, failed};
use crate::refusal::Refusal;
use anyhow::{Context, Result};
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::fcntl_dupfd_cloexec;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::mem::offset_of;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use xalloc_observe::layout::{Header, NAME, SIZE};
use xalloc_observe::reader::{Unreadable, View};

/// A segment. It stays readable when its process has ended, however that ended.
pub struct Segment {
    map: MmapRaw,
    /// Why nothing can be written to it, if so.
    read_only: Option<io::Error>,
}

impl Segment {
    /// Returns the segment of a process; `None` if it has none, or none yet.
    ///
    /// # Errors
    /// The process cannot be looked at, or what it has cannot be read.
    pub fn of(process: &Process) -> Result<Option<Self>, Refusal> {
        let entries = process.path("fd").read_dir().map_err(|error| process.refused("see the files", &error))?;
        let name = format!("/memfd:{} (deleted)", NAME.to_string_lossy());
        let mut unreadable = None;
        for path in entries.flatten().map(|entry| entry.path()) {
            if !path.read_link().is_ok_and(|target| target.as_os_str() == name.as_str()) {
                continue;
            }
            let segment = match Self::open(&path) {
                Ok(Some(segment)) => segment,
                Ok(None) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(process.refused("open the segment", &error)),
            };
            match segment.view().map(|view| view.header_number(offset_of!(Header, process))) {
                Ok(owner) if owner == process.own_id() => return Ok(Some(segment)),
                // Another process's, that this one has open: the command's, or that of its parent.
                Ok(_) | Err(Unreadable::Empty) => {}
                Err(why) => unreadable = Some(why),
            }
        }
        unreadable.map_or(Ok(None), |why| Err(unreadable_segment(process, why)))
    }

    /// Maps a segment's file; only for reading, if the kernel refuses more. `None` if it has no length yet.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let (file, read_only) = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => (file, None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => (File::open(path)?, Some(error)),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() == 0 { Ok(None) } else { Self::map(&file, read_only).map(Some) }
    }

    fn map(file: &File, read_only: Option<io::Error>) -> io::Result<Self> {
        survive_truncation();
        let options = MmapOptions::new();
        let map = if read_only.is_none() { options.map_raw(file) } else { options.map_raw_read_only(file) };
        Ok(Self { map: map?, read_only })
    }

    /// Returns what can be read of it.
    ///
    /// # Errors
    /// It is no segment that can be read.
    pub fn view(&self) -> Result<View<'_>, Unreadable> {
        // SAFETY: the mapping is that long, begins at a page, and lives as long as the result. All words are atomic, and any
        // number is a value of theirs. Nothing is stored where the mapping is read-only: see `writable`.
        View::new(unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast::<AtomicU64>(), self.map.len() / 8) })
    }

    /// Returns what can be read of it, and written.
    ///
    /// # Errors
    /// It is no segment that can be read, or the kernel refused to map it for writing.
    pub fn writable(&self, process: &Process) -> Result<View<'_>, Refusal> {
        match &self.read_only {
            Some(error) => Err(process.refused("write to the segment", error)),
            None => self.view().map_err(|why| unreadable_segment(process, why)),
        }
    }
}

/// Returns the refusal of a segment that cannot be read.
pub fn unreadable_segment(process: &Process, why: Unreadable) -> Refusal {
    let what = match why {
        Unreadable::Empty => "nobody has written to it yet; call this command again".to_owned(),
        Unreadable::NoSegment => {
            "it does not begin as a segment does; start the program again, or tell its author".to_owned()
        }
        Unreadable::Version(version) => {
            format!("it is of version {version}, of another xalloc; use the command that belongs to its library")
        }
        Unreadable::Corrupt(field) => {
            format!("its {field} is wrong: something has written to it; start the program again")
        }
    };
    failed(format!("the segment of process {} ({}) cannot be read: {what}", process.id(), process.name()))
}

/// A segment that this command makes for a process before that is started, so that it can be read after its end.
pub struct Prepared {
    file: File,
    token: u64,
    segment: Segment,
}

impl Prepared {
    /// Makes a segment.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new() -> Result<Self> {
        let make = || -> io::Result<(File, Segment)> {
            let file = File::from(memfd_create(NAME, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
            ftruncate(&file, SIZE as u64)?;
            fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW)?;
            // Above the numbers that programs use themselves, if the limit lets it be.
            let file = fcntl_dupfd_cloexec(&file, 900).map_or(file, File::from);
            let segment = Segment::map(&file, None)?;
            Ok((file, segment))
        };
        let (file, segment) = make().context("cannot make memory that is shared with the program (memfd_create)")?;
        // It only has to be another one than that of any other segment.
        let token = RandomState::new().build_hasher().finish();
        let prepared = Self { file, token, segment };
        // Relaxed: no other process has it yet.
        prepared.header().token.store(token, Ordering::Relaxed);
        Ok(prepared)
    }

    /// Makes it the segment of the calling process, which may be a child between fork and exec.
    pub fn take(&self) {
        // Relaxed: read by the program that the process executes.
        self.header().process.store(std::process::id(), Ordering::Relaxed);
    }

    fn header(&self) -> &Header {
        // SAFETY: the mapping is longer than a header, and begins at a page. All words of it are atomic, and any number is a
        // value of theirs.
        unsafe { &*self.segment.map.as_ptr().cast() }
    }

    /// Returns the file, which the program inherits.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns the value of the variable by which the program finds it.
    pub fn variable(&self) -> String {
        format!("{}:{}", self.file.as_raw_fd(), self.token)
    }

    /// Returns the segment, which the process has taken or not.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }
}

/// Makes the end of this command a line, where it reads a part of a segment that its process has just cut off.
fn survive_truncation() {
    static ONCE: Once = Once::new();
    let say = || {
        let line = b"xalloc: the segment became shorter while it was read: start the program again\n";
        // One call of write; nothing else can be done if it fails.
        let _ = rustix::io::write(rustix::stdio::stderr(), line);
        signal_hook::low_level::exit(crate::exit::FOUND.into());
    };
    // SAFETY: the handler calls write and _exit, which may be called anywhere.
    ONCE.call_once(|| drop(unsafe { signal_hook::low_level::register(libc::SIGBUS, say) }));
}
