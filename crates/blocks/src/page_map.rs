//! From an address to what it belongs to: two loads, for every address of a 48-bit address space.
//!
//! A root of 2^16 words, each for the leaf of 4 GiB of addresses; a leaf has two words for each slice of 64 KiB. The second is
//! the address of the slice's record, with the record's kind in its lowest bits: that word alone says what the slice is. The
//! first is all that the hit path of `free` needs: the address of the *bin* (of whichever thread's cache) that the slice's
//! blocks belong in, so that "is it mine?" and "where does it go?" are one load.
//!
//! There is one map in a process: the root is a megabyte of zeros, of which a process touches a page or two.

use crate::tally;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use xalloc_os::pages;

/// A slice: the unit in which slabs take address space, and the granule of the map.
pub const SLICE: usize = 64 << 10;
const SLICE_SHIFT: u32 = SLICE.trailing_zeros();
/// The bits of an address by which its slice is found in a leaf, and its leaf in the root. Fewer under Miri, whose addresses
/// are low, and which visits every word of an array whenever there is a reference to it.
const LEAF_BITS: u32 = if cfg!(miri) { 8 } else { 16 };
const ROOT_BITS: u32 = if cfg!(miri) { 10 } else { 16 };
const LEAF_SLICES: usize = 1 << LEAF_BITS;
const LEAVES: usize = 1 << ROOT_BITS;
const LEAF_SHIFT: u32 = SLICE_SHIFT + LEAF_BITS;
/// No address in user space has more.
const ADDRESS_BITS: u32 = LEAF_SHIFT + ROOT_BITS;

struct Leaf {
    bins: [AtomicUsize; LEAF_SLICES],
    records: [AtomicPtr<u8>; LEAF_SLICES],
}

/// The leaves, by their distance from `no_bins`, which is thereby the leaf of every address that has no other: so a
/// look-up needs no branch for them.
struct Root {
    distances: [AtomicUsize; LEAVES],
    no_bins: [AtomicUsize; LEAF_SLICES],
}

static ROOT: Root =
    Root { distances: [const { AtomicUsize::new(0) }; LEAVES], no_bins: [const { AtomicUsize::new(0) }; LEAF_SLICES] };

impl Root {
    /// Returns the leaf of an address; of its bins only, if the address has none. Any address may be asked about.
    #[inline(always)]
    fn leaf(&self, address: usize) -> *const Leaf {
        // What is cut off are no address bits in user space; so every index is in bounds.
        // Relaxed: whoever passed the block to this thread passed the map's words, written before the block was handed
        // out.
        let distance = self.distances[(address >> LEAF_SHIFT) & (LEAVES - 1)].load(Ordering::Relaxed);
        ((&raw const self.no_bins) as usize).wrapping_add(distance) as *const Leaf
    }

    /// Makes `leaf` that of the addresses with this number, unless they have one: then the leaf goes.
    fn install(&self, number: usize, leaf: usize) {
        let distance = leaf.wrapping_sub((&raw const self.no_bins) as usize);
        // Release: the leaf's zeros (the kernel's) are in place anyway; kept so that the distance never outruns them.
        // Relaxed on failure: the other thread's leaf is not looked into here.
        let installed = self.distances[number].compare_exchange(0, distance, Ordering::Release, Ordering::Relaxed);
        if installed.is_err() {
            SpareLeaf(leaf).unmap();
        }
    }

    /// Returns whether the addresses with this number have a leaf.
    fn has_leaf(&self, number: usize) -> bool {
        // Relaxed: only whether there is one; what a reader sees in it comes with the block it asks about.
        self.distances[number].load(Ordering::Relaxed) != 0
    }
}

/// In the lowest bits of a record's word: its kind. Records are aligned to a cache line.
const KIND_BITS: usize = 63;
/// The owner of what has none. No bin has this address.
const NO_OWNER: usize = 1;

/// What a record is of. A block or a heap has kinds of its own, with numbers that no other has in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(u8);

impl Kind {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Returns the kind with this number, from 1 to 31, of what has an owner: a bin.
    pub const fn owned(number: u8) -> Self {
        assert!(number > 0 && number < 32, "a kind's number is between 1 and 31");
        Self(number << 1 | 1)
    }

    /// Returns the kind with this number, from 1 to 31, of what has no owner.
    pub const fn ownerless(number: u8) -> Self {
        Self(Self::owned(number).0 & !1)
    }

    const fn is_owned(self) -> bool {
        self.0 & 1 != 0
    }
}

/// What an address belongs to. Its record is one of its kind, and lives as long as the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    kind: Kind,
    /// Null for [`Kind::NONE`].
    record: *mut u8,
    /// The bin of its owner, if the kind has one.
    owner: usize,
}

impl Entry {
    /// Nothing.
    pub const NONE: Self = Self { kind: Kind::NONE, record: core::ptr::null_mut(), owner: 0 };

    /// Returns the entry of a kind that has an owner.
    ///
    /// # Safety
    /// `record` is a record of this kind, is aligned to a cache line, and lives as long as the process; `owner` is the address
    /// of the bin that what it stands for belongs in.
    pub const unsafe fn owned(kind: Kind, record: *mut u8, owner: usize) -> Self {
        Self { kind, record, owner }
    }

    /// Returns the entry of an ownerless kind.
    ///
    /// # Safety
    /// As for [`Entry::owned`], of the record.
    pub const unsafe fn ownerless(kind: Kind, record: *mut u8) -> Self {
        Self { kind, record, owner: NO_OWNER }
    }

    /// Returns what it is.
    #[inline(always)]
    pub const fn kind(self) -> Kind {
        self.kind
    }

    /// Returns its record, null for [`Kind::NONE`].
    #[inline(always)]
    pub const fn record(self) -> *mut u8 {
        self.record
    }

    /// Returns the bin of its owner, if the kind has one.
    #[inline(always)]
    pub const fn owner(self) -> usize {
        self.owner
    }
}

/// Returns the word that stands for the bin of the address's slice; 0 if the slice is not ours. Any address may be asked about.
#[inline(always)]
pub fn bin(address: usize) -> usize {
    // SAFETY: a leaf is never unmapped, and all zeros is a valid one. Relaxed as in `leaf`.
    unsafe { (*ROOT.leaf(address)).bins[slice_index(address)].load(Ordering::Relaxed) }
}

#[inline(always)]
fn slice_index(address: usize) -> usize {
    (address >> SLICE_SHIFT) & (LEAF_SLICES - 1)
}

/// Returns whether the address's slice is in use. The caller need not have been given a block of it: it sees what was written
/// before the slice was entered.
pub fn is_entered(address: usize) -> bool {
    // SAFETY: as in `bin`. Acquire: pairs with `set`.
    unsafe { (*ROOT.leaf(address)).bins[slice_index(address)].load(Ordering::Acquire) != 0 }
}

/// Returns what the address belongs to. While another thread enters it or takes it out, that is what it belonged to, what it
/// will belong to, or nothing.
#[inline(always)]
pub fn entry(address: usize) -> Entry {
    tally::LOOK_UPS.count();
    let leaf = ROOT.leaf(address);
    // SAFETY: as in `bin`. Relaxed as in `leaf`.
    let owner = unsafe { (*leaf).bins[slice_index(address)].load(Ordering::Relaxed) };
    if owner == 0 || address >> ADDRESS_BITS != 0 {
        return Entry::NONE;
    }
    // SAFETY: the address has a bin, so it has a leaf. Acquire: who asks about any address, and was given no block of it, sees
    // what was written to the record before.
    let word = unsafe { (*leaf).records[slice_index(address)].load(Ordering::Acquire) };
    let kind = Kind((word.addr() & KIND_BITS) as u8);
    // The record's word decides. If the owner is not of this kind, the two words were read on either side of a change.
    if kind.is_owned() != (owner > NO_OWNER) {
        return Entry::NONE;
    }
    Entry { kind, record: word.map_addr(|address| address & !KIND_BITS), owner }
}

/// Makes the map able to hold `[start, start + size)`. Returns false if there is no memory for its leaves.
#[must_use]
pub fn cover(start: usize, size: usize) -> bool {
    (start >> LEAF_SHIFT..=(start + size - 1) >> LEAF_SHIFT).all(cover_leaf)
}

fn cover_leaf(number: usize) -> bool {
    if number >= ROOT.distances.len() || ROOT.has_leaf(number) {
        return number < ROOT.distances.len();
    }
    pages::map(size_of::<Leaf>()).is_some_and(|leaf| {
        ROOT.install(number, leaf);
        true
    })
}

/// A leaf kept in reserve, for an address that the kernel chooses and that cannot be unmapped.
pub struct SpareLeaf(usize);

impl SpareLeaf {
    /// Maps a leaf. `None` if there is no memory.
    pub fn new() -> Option<Self> {
        pages::map(size_of::<Leaf>()).map(Self)
    }

    /// Unmaps the leaf.
    pub fn unmap(self) {
        // SAFETY: mapped and seen by nobody. If the kernel keeps it, only address space is lost.
        let _ = unsafe { pages::unmap(self.0, size_of::<Leaf>()) };
    }

    /// Makes the map able to hold the slice of `address`. What remains of the spare, if it was not needed.
    #[must_use]
    pub fn cover(self, address: usize) -> Option<Self> {
        let number = address >> LEAF_SHIFT;
        if ROOT.has_leaf(number) {
            return Some(self);
        }
        ROOT.install(number, self.0);
        None
    }
}

/// Writes what the slices of `[start, start + size)` belong to.
///
/// # Safety
/// The range is [covered](cover), is the caller's, and no block in it is in use.
pub unsafe fn set(start: usize, size: usize, entry: Entry) {
    debug_assert_eq!(entry.record.addr() & KIND_BITS, 0);
    let slices = (start..start + size).step_by(SLICE);
    if entry == Entry::NONE {
        // The last slice first, so that a child forked meanwhile finds a slab's first slice as long as it finds any.
        // SAFETY: the caller's: the range is covered.
        return slices.rev().for_each(|address| unsafe { store_bin(address, 0) });
    }
    for address in slices {
        // SAFETY: the caller's: the range is covered.
        let word = unsafe { &(*ROOT.leaf(address)).records[slice_index(address)] };
        // Release: pairs with `entry`.
        word.store(entry.record.map_addr(|address| address | entry.kind.0 as usize), Ordering::Release);
        // SAFETY: as above.
        unsafe { store_bin(address, entry.owner) };
    }
}

/// # Safety
/// The address is covered.
unsafe fn store_bin(address: usize, bin: usize) {
    // Release: who finds the bin finds the record, and what was written to it. (Who was given a block needs no order: the words
    // travel with it.)
    // SAFETY: the caller's: the address has a leaf, which is never unmapped.
    unsafe { (*ROOT.leaf(address)).bins[slice_index(address)].store(bin, Ordering::Release) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of a leaf that no other test can have, because the kernel places nothing so far below the programs, and Miri
    /// nothing so high.
    const FAR: usize = if cfg!(miri) { 0x3f << (ADDRESS_BITS - 6) } else { 0x1abc << 32 };
    const ROUNDS: usize = if cfg!(miri) { 600 } else { 300_000 };

    #[test]
    fn answers_for_every_address() {
        for address in [0, 1, 0x1234_5678, 1 << 32, (1 << 47) - 1, 1 << 47, (1 << 48) - 1, 1 << 48, usize::MAX] {
            assert_eq!(entry(address), Entry::NONE, "{address:#x}");
        }
    }

    #[test]
    fn remembers_across_a_leaf_boundary() {
        let start = FAR - SLICE;
        assert!(cover(start, 2 * SLICE));
        // No record of a kind that any block has; nobody follows it.
        let ownerless = |number| Entry { kind: Kind::ownerless(number), record: 0x1000 as *mut u8, owner: NO_OWNER };
        let owned = Entry { kind: Kind::owned(31), owner: 0x2000, ..ownerless(30) };
        for entry_set in [owned, ownerless(30), ownerless(1)] {
            // SAFETY: covered above, and nobody else's.
            unsafe { set(start, 2 * SLICE, entry_set) };
            assert_eq!(entry(start + 5), entry_set);
            assert_eq!(entry(start + 2 * SLICE - 1), entry_set);
            assert_eq!(entry(start - 1), Entry::NONE);
            assert_eq!(entry(start + 2 * SLICE), Entry::NONE);
            assert_eq!(entry(start + (1 << ADDRESS_BITS)), Entry::NONE);
        }
        // SAFETY: as above.
        unsafe { set(start, 2 * SLICE, Entry::NONE) };
        assert_eq!(entry(start), Entry::NONE);
    }

    /// While one thread enters a slice as this and that, and takes it out, a pointer into it may be freed by another one.
    #[test]
    fn nobody_meets_half_an_entry() {
        let start = FAR + (1 << LEAF_SHIFT);
        assert!(cover(start, SLICE));
        let record = |number: usize| (number << 12) as *mut u8;
        let entry_of = |round: usize| match round % 6 {
            0 => Entry { kind: Kind::owned(29), record: record(1), owner: 0x2000 },
            2 => Entry { kind: Kind::ownerless(30), record: record(2), owner: NO_OWNER },
            4 => Entry { kind: Kind::owned(31), record: record(3), owner: 0x2000 },
            _ => Entry::NONE,
        };
        let done = core::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // SAFETY: covered above, and nobody else's.
                (0..ROUNDS).for_each(|round: usize| unsafe { set(start, SLICE, entry_of(round)) });
                done.store(true, Ordering::Relaxed);
            });
            while !done.load(Ordering::Relaxed) {
                let met = entry(start);
                assert!((0..6).any(|round| met == entry_of(round)), "{met:?}");
            }
        });
        // SAFETY: as above.
        unsafe { set(start, SLICE, Entry::NONE) };
    }

    #[test]
    fn refuses_addresses_with_more_bits() {
        assert!(!cover(1 << ADDRESS_BITS, SLICE));
    }
}
