//! A list of free blocks, cut into chains: neighbours of one slab each, which it takes at once.
//!
//! Here a list is checked as the hit paths cannot: each block must be one that was handed out at some time, and there must be
//! as many as were counted.

use crate::free_list::{Block, Key, List};
use crate::page_map;
use crate::remote_cache::Chain;
use crate::slab::Slab;
use xalloc_heap::{Call, Incident, Misuse};

/// Calls `each` with the chains of a list of free blocks of `class`, which was cached, from the first one on.
///
/// # Errors
/// The program wrote to a block of the list, or freed what is none: what is behind that in the list is lost.
///
/// # Safety
/// The blocks of the list are free and the caller's, as far as it can be followed.
pub unsafe fn cut(list: List, class: usize, key: Key, mut each: impl FnMut(Chain)) -> Result<(), Incident> {
    let (mut block, mut left) = (list.head, list.count);
    while !block.is_null() {
        // SAFETY: the rest of the caller's list.
        let (chain, rest) = unsafe { first_chain(block, left, class, key) }
            // What is no block of ours at all is a link that somebody made.
            .map_err(|incident| incident.unwrap_or_else(|| overwritten(Call::Free, list.head)))?;
        left -= chain.count;
        each(chain);
        block = rest;
    }
    if left == 0 { Ok(()) } else { Err(overwritten(Call::Free, list.head)) }
}

/// Returns the chain that a list of at most `left` blocks begins with, and the rest of the list.
///
/// # Errors
/// What is wrong with a block of it, if the first one is a block.
///
/// # Safety
/// As for [`cut`].
unsafe fn first_chain(
    head: *mut Block,
    left: usize,
    class: usize,
    key: Key,
) -> Result<(Chain, *mut Block), Option<Incident>> {
    let (_, slab) = Slab::of(page_map::entry(head as usize)).ok_or(None)?;
    let (mut block, mut tail, mut count) = (head, head, 0);
    while !block.is_null() && slab.contains(block as usize) {
        let address = block as usize;
        slab.examine(address).map_err(|misuse| Incident { call: Call::Free, address, misuse })?;
        if count == left || slab.class() != class {
            return Err(Some(overwritten(Call::Free, block)));
        }
        (tail, count) = (block, count + 1);
        // SAFETY: a block of a slab, in the caller's list.
        block = unsafe { Block::next(block, key) }.map_err(|_| overwritten(Call::Free, tail))?;
    }
    Ok((Chain { slab, head, tail, count }, block))
}

/// Returns what a heap tells of a free block that was written to, which `call` noticed.
pub fn overwritten(call: Call, block: *mut Block) -> Incident {
    let slab = Slab::of(page_map::entry(block as usize));
    let size = slab.map_or(0, |(_, slab)| slab.shape().size as usize);
    Incident { call, address: block as usize, misuse: Misuse::Overwritten { size } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size_class::{MIDDLE, SMALL};
    use crate::slab::tests::{KEY, opened, take};
    use std::vec::Vec;

    /// A list of the given blocks.
    fn list(blocks: &[*mut Block]) -> List {
        let mut head = core::ptr::null_mut();
        for &block in blocks.iter().rev() {
            // SAFETY: blocks of the test's own slabs, which were taken.
            unsafe { Block::set_next(block, head, KEY) };
            head = block;
        }
        List { head, count: blocks.len() }
    }

    fn cut_all(list: List) -> (Vec<(*mut Block, usize)>, Result<(), Misuse>) {
        let mut chains = Vec::new();
        // SAFETY: as above.
        let result = unsafe { cut(list, MIDDLE.number as usize, KEY, |chain| chains.push((chain.head, chain.count))) };
        (chains, result.map_err(|incident| incident.misuse))
    }

    fn block(slab: &Slab, index: usize) -> *mut Block {
        (slab.start() + index * slab.shape().size as usize) as *mut Block
    }

    fn registered() -> &'static Slab {
        let slab = opened(&MIDDLE);
        // SAFETY: the test's own slab, of which nothing is freed into a bin.
        unsafe { slab.register(0x2000) };
        take(slab).unwrap();
        slab
    }

    #[test]
    fn neighbours_of_one_slab_are_a_chain() {
        let (one, other) = (registered(), registered());
        let blocks = [block(one, 0), block(one, 3), block(other, 2), block(one, 1)];
        let chains = [(blocks[0], 2), (blocks[2], 1), (blocks[3], 1)];
        assert_eq!(cut_all(list(&blocks)), (chains.to_vec(), Ok(())));
        assert_eq!(cut_all(list(&[])), (Vec::new(), Ok(())));
    }

    #[test]
    fn what_is_wrong_with_a_list_is_told_and_ends_it() {
        let slab = registered();
        let blocks = [block(slab, 0), block(slab, 1)];
        let overwritten = Err(Misuse::Overwritten { size: 512 });
        let List { head, .. } = list(&blocks);
        assert_eq!(cut_all(List { head, count: 1 }), (Vec::new(), overwritten), "it is longer than was counted");
        assert_eq!(cut_all(List { head, count: 3 }).1, overwritten, "it is shorter");
        let interior = [blocks[0], (blocks[1] as usize + 16) as *mut Block];
        assert_eq!(cut_all(list(&interior)).1, Err(Misuse::Interior { offset: 16, size: 512 }));
        let other = opened(&SMALL);
        // SAFETY: as in `registered`.
        unsafe { other.register(0x2000) };
        take(other).unwrap();
        let mixed = list(&[blocks[0], block(other, 0)]);
        assert_eq!(cut_all(mixed).1, Err(Misuse::Overwritten { size: 16 }), "a block of another class");
        list(&blocks);
        // SAFETY: the test's own memory.
        unsafe { blocks[0].cast::<usize>().write(64) };
        assert_eq!(cut_all(List { head, count: 2 }), (Vec::new(), overwritten));
    }
}
