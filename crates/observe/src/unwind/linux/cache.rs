//! Rows by the address of the instruction, for all threads.

use super::cfi::Row;
use super::machine::UNUSED_BITS;
use super::pair::{KEY_BITS, Pair, VALUE_BITS};
use crate::sync::{AtomicUsize, Ordering};
use crate::unwind::reason::Reason;

/// As many rows as 64 KiB have room for. Programs come to a few thousand different frames.
const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 12;

/// How many bits addresses have. What is above is not cached: Linux puts code there only where a program asks for it.
const ADDRESS_BITS: u32 = 47;

const GENERATION_BITS: u32 = KEY_BITS - (ADDRESS_BITS - PLACE_BITS);

const _: () = assert!(VALUE_BITS == super::cfi::ROW_BITS);

/// All zeros until it is used, so that it takes no memory before.
static ROWS: [Pair; PLACES] = [const { Pair::around([const { AtomicUsize::new(0) }; 2]) }; PLACES];

/// How often modules were unmapped.
static UNMAPPED: AtomicUsize = AtomicUsize::new(0);

/// How many generations a key can tell apart. The number 0 is none of them, so that a place of zeros has no key.
const GENERATIONS: usize = (1 << GENERATION_BITS) - 1;

/// Makes all cached rows unknown. To be called after a module was unmapped, and before another one can be mapped there.
pub fn invalidate() {
    // Relaxed, here and in `place`: who runs code of a module that was mapped after this has learned its address from who
    // called this, in an order that is the program's. Others may find old rows of code that is gone, which nobody runs.
    let mut before = UNMAPPED.load(Ordering::Relaxed);
    loop {
        // When a generation comes again, nothing of its last time may be left.
        if (before + 1).is_multiple_of(GENERATIONS) {
            ROWS.iter().for_each(Pair::clear);
        }
        match UNMAPPED.compare_exchange_weak(before, before + 1, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => break,
            Err(now) => before = now,
        }
    }
}

/// Returns the row for the instruction at `at`: the cached one, or what `read` returns.
#[inline]
pub fn row(at: usize, read: impl FnOnce() -> Row) -> Row {
    let Some((place, key)) = place(at) else { return read() };
    if let Some(packed) = place.get(key) {
        return Row::unpack(packed);
    }
    let row = read();
    // A module may come to where none is.
    if row != Row::Unknown(Reason::NoModule)
        && let Some(packed) = row.pack()
    {
        place.set(key, packed);
    }
    row
}

/// Returns the place for an address, and the key that it has there.
#[inline(always)]
fn place(at: usize) -> Option<(&'static Pair, usize)> {
    let address = at >> UNUSED_BITS;
    if address >> ADDRESS_BITS != 0 {
        return None;
    }
    // A product with an odd number, of which only the low bits are kept, is different for different addresses. Its high end
    // depends on all bits.
    let mixed = address.wrapping_mul(0x9e37_79b9_7f4b) & ((1 << ADDRESS_BITS) - 1);
    let place = &ROWS[mixed >> (ADDRESS_BITS - PLACE_BITS)];
    let generation = 1 + UNMAPPED.load(Ordering::Relaxed) % GENERATIONS;
    let rest = mixed & ((1 << (ADDRESS_BITS - PLACE_BITS)) - 1);
    Some((place, generation << (ADDRESS_BITS - PLACE_BITS) | rest))
}
