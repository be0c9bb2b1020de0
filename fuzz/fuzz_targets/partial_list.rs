//! The partial list: it has the slabs of which blocks can be had, those worth a visit first, whatever is taken and given.
#![no_main]

use arbitrary::Arbitrary;
use xalloc_blocks::free_list::Block;
use xalloc_blocks::partial_list::PartialList;
use xalloc_blocks::slab::{Place, Slab};
use xalloc_fuzz::slabs::{self, KEY};

const SLABS: usize = 6;

#[derive(Arbitrary, Debug)]
enum Operation {
    /// Takes blocks of a slab.
    Take(u8),
    /// Gives so many of them back.
    Give(u8, u16),
    Remove(u8),
    SetFlag(u8, bool),
}

libfuzzer_sys::fuzz_target!(|input: (u8, Vec<Operation>)| {
    let (class, operations) = input;
    let list = PartialList::new();
    let slabs: [&Slab; SLABS] = std::array::from_fn(|_| slabs::open(slabs::class(class)));
    let mut used: [Vec<usize>; SLABS] = Default::default();
    let mut flags = 0;
    for operation in operations {
        let at = |number: u8| number as usize % SLABS;
        // SAFETY: slabs of this target's own, each in this list or in none; blocks are given back once.
        unsafe {
            match operation {
                Operation::Take(number) => {
                    let taken = slabs[at(number)].take(KEY).map(slabs::blocks).unwrap_or_default();
                    used[at(number)].extend(taken);
                    list.update(slabs[at(number)]);
                }
                Operation::Give(number, count) => {
                    let (slab, used) = (slabs[at(number)], &mut used[at(number)]);
                    let given = used.split_off(used.len().saturating_sub(count as usize));
                    let chain = slabs::chain(&given);
                    if let Some(&tail) = given.last() {
                        slab.give(chain.head, tail as *mut Block, chain.count, KEY).expect("so many are used");
                    }
                    list.update(slab);
                }
                Operation::Remove(number) => {
                    if slabs[at(number)].place() != Place::Full {
                        list.remove(slabs[at(number)]);
                    }
                }
                Operation::SetFlag(flag, value) => {
                    let flag = 1 << (flag % 6);
                    list.set(flag, value);
                    flags = if value { flags | flag } else { flags & !flag };
                }
            }
        }
        check(&list, &slabs, flags);
    }
    // SAFETY: the list is forgotten, and the blocks.
    slabs.iter().for_each(|slab| unsafe { slabs::close(slab) });
});

fn check(list: &PartialList, slabs: &[&'static Slab; SLABS], flags: usize) {
    (0..6).for_each(|bit| assert_eq!(list.has(1 << bit), flags & 1 << bit != 0));
    let listed: Vec<&Slab> = list.iter().take(SLABS + 1).collect();
    let is_listed = |slab: &Slab| listed.iter().any(|other| std::ptr::eq(*other, slab));
    assert_eq!(listed.len(), slabs.iter().filter(|slab| is_listed(slab)).count(), "each is in it once");
    slabs.iter().for_each(|slab| assert_eq!(is_listed(slab), slab.place() != Place::Full));
    let places: Vec<Place> = listed.iter().map(|slab| slab.place()).collect();
    assert!(places.is_sorted_by(|one, other| *one == Place::Ready || *other == Place::Sparse), "{places:?}");
    assert_eq!(list.first().map(std::ptr::from_ref), listed.first().map(|slab| std::ptr::from_ref(*slab)));
}
