//! Why a walk ended before the outermost frame, and how often.

use core::sync::atomic::{AtomicU64, Ordering};

/// Why a walk ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// No module has this code: a compiler made it at run time, or the address is none of code.
    NoModule,
    /// The module has no call frame information for this code.
    NoEntry,
    /// The module's tables have a form that is not read.
    Form,
    /// The frame is found by a register that is not followed.
    Register,
    /// The frame is found by an expression of DWARF that is not one of the known ones.
    Expression,
    /// The return address is found by a rule that is not followed.
    Rule,
    /// The tables contradict themselves, or end too early.
    Corrupt,
    /// The frame needs a register whose value is not known any more.
    Lost,
    /// The frame is not on the thread's stack, or not above the one before it.
    Stack,
}

impl Reason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::NoModule,
        Self::NoEntry,
        Self::Form,
        Self::Register,
        Self::Expression,
        Self::Rule,
        Self::Corrupt,
        Self::Lost,
        Self::Stack,
    ];

    /// Returns a few words for a person.
    pub fn text(self) -> &'static str {
        match self {
            Self::NoModule => "code of no module",
            Self::NoEntry => "no call frame information",
            Self::Form => "tables of an unknown form",
            Self::Register => "frame by another register",
            Self::Expression => "frame by an expression",
            Self::Rule => "return address by another rule",
            Self::Corrupt => "corrupt tables",
            Self::Lost => "a register's value is not known",
            Self::Stack => "not on the stack",
        }
    }
}

static ENDS: [AtomicU64; Reason::ALL.len()] = [const { AtomicU64::new(0) }; Reason::ALL.len()];
static ROWS: AtomicU64 = AtomicU64::new(0);

/// What the walks of this process met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    ends: [u64; Reason::ALL.len()],
    /// How many times call frame information was read, because the cache did not have its row. 0 on macOS, which needs none.
    pub rows_read: u64,
}

impl Stats {
    /// Returns how many walks ended early for this reason.
    pub fn ended(&self, reason: Reason) -> u64 {
        self.ends[reason as usize]
    }
}

/// Returns the numbers as they are now. Walks in progress may be in one and not yet in another.
pub fn stats() -> Stats {
    // Relaxed, here and below: counts, which order nothing.
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Stats { ends: ENDS.each_ref().map(load), rows_read: load(&ROWS) }
}

/// Counts a walk that ended early.
pub fn count(reason: Reason) {
    ENDS[reason as usize].fetch_add(1, Ordering::Relaxed);
}

/// Counts a row that the cache did not have.
#[cfg(target_os = "linux")]
pub fn count_row() {
    ROWS.fetch_add(1, Ordering::Relaxed);
}
