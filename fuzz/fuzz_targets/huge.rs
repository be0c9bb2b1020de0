//! Huge blocks: apart, aligned, whole until they are freed, of zeros if they say so; what they hold is what they say.
#![no_main]

use arbitrary::Arbitrary;
use xalloc_blocks::huge::{self, Huge};
use xalloc_blocks::metadata::Metadata;
use xalloc_blocks::page_map;
use xalloc_fuzz::shadow::Shadow;

static METADATA: Metadata = Metadata::new();
static HUGE: Huge = Huge::new();

/// More are not held at a time.
const MOST: usize = 128 << 20;
/// A block is at most so long: those of other sizes are treated alike.
const LONGEST: usize = 12 << 20;

#[derive(Arbitrary, Debug)]
enum Operation {
    Allocate {
        size: u32,
        shift: u8,
        zeros: bool,
    },
    Free(u16),
    /// Frees a block twice, or an address inside of its first slice.
    FreeWrongly(u16, u16),
    Resize(u16, u32),
    Purge(u32),
    CleanSurplus,
    Trim,
}

libfuzzer_sys::fuzz_target!(|operations: Vec<Operation>| {
    let mut live = Shadow::default();
    for operation in operations {
        step(&mut live, operation);
        check(&live);
    }
    live.starts().into_iter().for_each(|block| free(&mut live, block));
    check(&live);
});

fn step(live: &mut Shadow, operation: Operation) {
    match operation {
        Operation::Allocate { size, shift, zeros } => allocate(live, size as usize % LONGEST, 1 << (shift % 25), zeros),
        Operation::Free(which) => {
            if let Some(block) = live.pick(which) {
                free(live, block);
            }
        }
        Operation::FreeWrongly(which, offset) => {
            let Some(block) = live.pick(which) else { return };
            if offset == 0 {
                free(live, block);
            }
            let entry = page_map::entry(block);
            if entry.kind() == huge::KIND {
                assert!(HUGE.free(block + offset as usize, entry).is_err());
            }
        }
        Operation::Resize(which, size) => {
            let Some(block) = live.pick(which) else { return };
            let size = size as usize % LONGEST;
            if live.bytes() + size > MOST {
                return;
            }
            if let Ok(new) = HUGE.resize(block, page_map::entry(block), size) {
                let usable = HUGE.size_at(new as usize, page_map::entry(new as usize)).expect("it is a block");
                assert!(usable >= size);
                live.resize(block, size, (new as usize, usable), 4096);
            }
        }
        Operation::Purge(surplus) => {
            let before = HUGE.stats().kept;
            HUGE.purge(surplus as usize);
            assert!(HUGE.stats().kept <= before);
        }
        Operation::CleanSurplus => HUGE.clean_surplus(),
        Operation::Trim => {
            HUGE.trim();
            assert_eq!(HUGE.stats().kept, 0);
        }
    }
}

fn allocate(live: &mut Shadow, size: usize, align: usize, zeros: bool) {
    if live.bytes() + size > MOST {
        return;
    }
    let block = HUGE.allocate(size, align, zeros, &METADATA).expect("memory");
    let start = block.start as usize;
    let usable = HUGE.size_at(start, page_map::entry(start)).expect("it is a block");
    assert!(usable >= size);
    if block.zeroed {
        // SAFETY: a block that was just handed out.
        let bytes = unsafe { core::slice::from_raw_parts(block.start, usable) };
        assert!(bytes.iter().step_by(1021).all(|&byte| byte == 0), "a block that is not of zeros");
    }
    live.add(start, usable, align.max(4096));
}

fn free(live: &mut Shadow, block: usize) {
    let usable = live.remove(block);
    assert_eq!(HUGE.free(block, page_map::entry(block)), Ok(usable));
}

fn check(live: &Shadow) {
    let stats = HUGE.stats();
    assert_eq!((stats.blocks, stats.live), (live.count(), live.bytes()));
    assert!(stats.blocks <= stats.blocks_peak && stats.live <= stats.peak && stats.live + stats.kept <= HUGE.mapped());
    live.starts().iter().for_each(|&block| {
        assert_eq!(HUGE.size_at(block, page_map::entry(block)), Some(live.usable(block)));
    });
}
