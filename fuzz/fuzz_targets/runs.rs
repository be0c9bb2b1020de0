//! Runs of pages: apart, aligned, whole until they are freed, of zeros if they say so; what they hold is what they say.
#![no_main]

use arbitrary::Arbitrary;
use xalloc_blocks::arena::Arena;
use xalloc_blocks::metadata::Metadata;
use xalloc_blocks::page_map::{self, Entry};
use xalloc_blocks::runs::{self, Runs};
use xalloc_fuzz::Ages;
use xalloc_fuzz::shadow::Shadow;

static ARENA: Arena = Arena::new();
static METADATA: Metadata = Metadata::new();
static RUNS: Runs = Runs::new();

/// More are not held at a time.
const MOST: usize = 64 << 20;

#[derive(Arbitrary, Debug)]
enum Operation {
    Allocate {
        size: u32,
        shift: u8,
    },
    AllocateSmall {
        size: u16,
    },
    Free(u16),
    /// Frees a run twice, or an address inside of it.
    FreeWrongly(u16, u32),
    Resize(u16, u32),
    Purge {
        surplus: u32,
        scope: u8,
    },
    ReleaseEmpty(u8),
    Unmap,
}

libfuzzer_sys::fuzz_target!(|operations: Vec<Operation>| {
    let (mut live, mut ages) = (Shadow::default(), Ages::new());
    for operation in operations {
        step(&mut live, &mut ages, operation);
        check(&live);
    }
    live.starts().into_iter().for_each(|run| free(&mut live, run));
    check(&live);
    assert_eq!(RUNS.stats().live, 0);
});

fn entry(run: usize) -> Entry {
    page_map::entry(run)
}

fn step(live: &mut Shadow, ages: &mut Ages, operation: Operation) {
    match operation {
        Operation::Allocate { size, shift } => allocate(live, size as usize % (runs::MAX + 1), 1 << (shift % 22)),
        Operation::AllocateSmall { size } => allocate(live, size as usize, 16),
        Operation::Free(which) => {
            if let Some(run) = live.pick(which) {
                free(live, run);
            }
        }
        Operation::FreeWrongly(which, offset) => {
            let Some(run) = live.pick(which) else { return };
            let offset = offset as usize % live.usable(run);
            if offset == 0 {
                free(live, run);
            }
            // Its chunk may be gone: then nobody would call this.
            if entry(run).kind() == runs::KIND {
                assert!(RUNS.free(run + offset, entry(run)).is_err());
            }
        }
        Operation::Resize(which, size) => {
            let Some(run) = live.pick(which) else { return };
            let size = 1 + size as usize % runs::MAX;
            if RUNS.resize(run, entry(run), size) {
                let usable = RUNS.size_at(run, entry(run)).expect("it is a run");
                assert!(usable >= size);
                live.resize(run, size, (run, usable), runs::PAGE);
            }
        }
        Operation::Purge { surplus, scope } => {
            let before = RUNS.stats().live;
            ages.purge((surplus, scope), || RUNS.stats().dirty, |surplus, scope| RUNS.purge(surplus, scope));
            assert_eq!(RUNS.stats().live, before);
        }
        Operation::ReleaseEmpty(most) => {
            let given = RUNS.release_empty(most as usize, &ARENA, &METADATA);
            assert!(given <= most as usize);
        }
        Operation::Unmap => drop(ARENA.unmap()),
    }
}

fn allocate(live: &mut Shadow, size: usize, align: usize) {
    if live.bytes() + size > MOST {
        return;
    }
    let run = RUNS.allocate(size.max(1), align, &ARENA, &METADATA).expect("memory");
    let start = run.start as usize;
    let usable = RUNS.size_at(start, entry(start)).expect("it is a run");
    assert!(usable >= size);
    if run.zeroed {
        // SAFETY: a run that was just handed out.
        let bytes = unsafe { core::slice::from_raw_parts(run.start, usable) };
        assert!(bytes.iter().step_by(61).all(|&byte| byte == 0), "a run that is not of zeros");
    }
    live.add(start, usable, align.max(runs::PAGE));
}

fn free(live: &mut Shadow, run: usize) {
    let usable = live.remove(run);
    assert_eq!(RUNS.free(run, entry(run)), Ok(usable));
}

fn check(live: &Shadow) {
    let (_, margins) = RUNS.free_runs_and_margins();
    assert_eq!(RUNS.stats().live - margins, live.bytes());
    live.starts().iter().for_each(|&run| assert_eq!(RUNS.size_at(run, entry(run)), Some(live.usable(run))));
}
