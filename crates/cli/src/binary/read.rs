//! Reads a file of any known format.

use super::facts::Binary;
use super::machine::Machine;
use super::rights::Rights;
use super::{elf, mach_o};
use anyhow::{Context, Result, bail, ensure};
use object::FileKind;
use std::fs::File;
use std::path::Path;

impl Binary {
    /// Reads a file; of a universal one the slice for this machine, or the first one.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_for(path, &Machine::here())
    }

    /// Reads a file like [`Binary::read`], for a given machine.
    pub(super) fn read_for(path: &Path, machine: &Machine) -> Result<Self> {
        Self::read_file(path, machine).with_context(|| format!("cannot read {}", path.display()))
    }

    fn read_file(path: &Path, machine: &Machine) -> Result<Self> {
        // Opening a pipe would wait for whoever writes to it.
        let kind = std::fs::metadata(path)?;
        ensure!(!kind.is_dir(), "it is a directory");
        ensure!(kind.is_file(), "it is no regular file");
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        // SAFETY: the bytes are only read. Somebody who truncates the file meanwhile ends this command, as every linker's.
        let bytes = unsafe { memmap2::Mmap::map(&file) }?;
        let bytes: &[u8] = &bytes;
        let Ok(kind) = FileKind::parse(bytes) else { bail!("it is neither a program nor a library") };
        let mut binary = match kind {
            FileKind::Elf32 | FileKind::Elf64 => elf::read(kind, bytes),
            FileKind::MachO32 | FileKind::MachO64 => mach_o::read(kind, bytes),
            FileKind::MachOFat32 | FileKind::MachOFat64 => mach_o::read_fat(kind, bytes, &machine.processor),
            other => bail!("it is no program of this system ({other:?})"),
        }?;
        binary.path = path.to_owned();
        binary.rights = Rights::of(path, &metadata);
        Ok(binary)
    }
}
