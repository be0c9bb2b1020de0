//! The page map: an address belongs to what was entered last for its slice, and to nothing else.
#![no_main]

use arbitrary::Arbitrary;
use std::collections::BTreeMap;
use xalloc_blocks::page_map::{self, Entry, Kind, SLICE};

/// Where nothing is ever mapped, because the kernel places nothing so far below the programs: the map is not told what is
/// there. Two leaves, from the last slices of one to the first of the other.
const FIRST: usize = (0x1abc << 32) - SLICES / 2 * SLICE;
const SLICES: usize = 64;

#[derive(Arbitrary, Debug)]
enum Operation {
    Set {
        first: u8,
        count: u8,
        kind: u8,
        record: u16,
        owner: u16,
    },
    Clear {
        first: u8,
        count: u8,
    },
    /// Any address.
    Ask(usize),
}

libfuzzer_sys::fuzz_target!(|operations: Vec<Operation>| {
    assert!(page_map::cover(FIRST, SLICES * SLICE));
    let mut entries = BTreeMap::new();
    for operation in operations {
        step(&mut entries, operation);
        for slice in 0..SLICES {
            let expected = entries.get(&slice).copied().unwrap_or(Entry::NONE);
            for address in [0, 1, 4095, SLICE - 1].map(|offset| FIRST + slice * SLICE + offset) {
                assert_eq!(page_map::entry(address), expected, "{address:#x}");
                assert_eq!(page_map::is_entered(address), expected != Entry::NONE);
                assert_eq!(page_map::entry(address | 1 << 48), Entry::NONE);
            }
        }
    }
    // SAFETY: the range is covered, and nobody else's.
    unsafe { page_map::set(FIRST, SLICES * SLICE, Entry::NONE) };
});

fn step(entries: &mut BTreeMap<usize, Entry>, operation: Operation) {
    let range = |first: u8, count: u8| {
        let first = first as usize % SLICES;
        first..(first + 1 + count as usize % 8).min(SLICES)
    };
    match operation {
        Operation::Set { first, count, kind, record, owner } => {
            let record = ((record as usize + 1) << 6) as *mut u8;
            // SAFETY: nobody follows the record, or the owner, of an address that nobody else has.
            let entry = unsafe {
                match kind % 62 {
                    number @ ..31 => Entry::owned(Kind::owned(number + 1), record, (owner as usize + 1) * 32),
                    number => Entry::ownerless(Kind::ownerless(number - 30), record),
                }
            };
            let slices = range(first, count);
            // SAFETY: as above; the range is covered.
            unsafe { page_map::set(FIRST + slices.start * SLICE, slices.len() * SLICE, entry) };
            entries.extend(slices.map(|slice| (slice, entry)));
        }
        Operation::Clear { first, count } => {
            let slices = range(first, count);
            // SAFETY: as above.
            unsafe { page_map::set(FIRST + slices.start * SLICE, slices.len() * SLICE, Entry::NONE) };
            entries.retain(|slice, _| !slices.contains(slice));
        }
        Operation::Ask(address) => {
            let is_here = address.wrapping_sub(FIRST) < SLICES * SLICE;
            assert!(is_here || page_map::entry(address) == Entry::NONE, "{address:#x}");
        }
    }
}
