//! A module of the process: one piece of its code, and where its tables are.

use core::ops::Range;
use libc::{Elf64_Phdr, PF_R, PF_X, PT_GNU_EH_FRAME, PT_LOAD};

/// A piece of a module's code, and the segment with its call frame information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    code: Range<usize>,
    tables: Range<usize>,
    header: usize,
}

impl Module {
    /// Returns a module with this code, whose `.eh_frame_hdr` is at `header` in the segment `tables`, and `.eh_frame` is there
    /// too.
    ///
    /// # Safety
    /// The segment can be read and does not change as long as the module is used, and so can the code.
    pub unsafe fn new(code: Range<usize>, tables: Range<usize>, header: usize) -> Self {
        Self { code, tables, header }
    }

    /// Returns the addresses of the code.
    pub fn code(&self) -> &Range<usize> {
        &self.code
    }

    /// Returns the addresses of the segment with the tables; empty if the module has none.
    pub fn tables(&self) -> &Range<usize> {
        &self.tables
    }

    /// Returns the address of `.eh_frame_hdr`; 0 if the module has none.
    pub fn header(&self) -> usize {
        self.header
    }

    /// Returns the modules that program headers describe: one for each segment of code.
    ///
    /// # Safety
    /// The module that has these program headers is loaded at `base`, and stays so as long as what is returned is used.
    pub unsafe fn all(base: usize, headers: &[Elf64_Phdr]) -> impl Iterator<Item = Self> + '_ {
        let range = move |header: &Elf64_Phdr| {
            let start = base.wrapping_add(header.p_vaddr as usize);
            start..start.saturating_add(header.p_filesz as usize)
        };
        let loaded =
            move |flags| headers.iter().filter(move |one| one.p_type == PT_LOAD && one.p_flags & flags == flags);
        let header = headers.iter().find(|one| one.p_type == PT_GNU_EH_FRAME).map_or(0, |one| range(one).start);
        let tables = loaded(PF_R).map(range).find(|segment| segment.contains(&header)).unwrap_or(0..0);
        let header = if tables.is_empty() { 0 } else { header };
        loaded(PF_X | PF_R).map(move |code| Self { code: range(code), tables: tables.clone(), header })
    }
}
