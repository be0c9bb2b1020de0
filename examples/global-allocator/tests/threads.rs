//! A Rust test harness whose every allocation is the default heap's.

use std::alloc::{GlobalAlloc, Layout};
use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;
use xalloc_global::Xalloc;

#[global_allocator]
static ALLOCATOR: Xalloc = Xalloc;

#[test]
fn threads_hand_over_and_end() {
    let (send, receive) = mpsc::channel::<(usize, Vec<String>)>();
    let makers: Vec<_> = (0..8)
        .map(|number| {
            let send = send.clone();
            thread::spawn(move || {
                for round in 0..200 {
                    let words = (0..round).map(|index| format!("{number} {round} {index}")).collect();
                    send.send((number, words)).expect("the other end waits");
                }
            })
        })
        .collect();
    drop(send);
    let mut seen = BTreeMap::new();
    for (number, words) in receive {
        let round: &mut usize = seen.entry(number).or_default();
        assert_eq!(words.len(), *round);
        assert!(words.iter().enumerate().all(|(index, word)| *word == format!("{number} {round} {index}")));
        *round += 1;
    }
    makers.into_iter().for_each(|maker| maker.join().unwrap());
    assert_eq!(seen.into_values().collect::<Vec<_>>(), [200; 8]);
}

#[test]
fn every_layout_is_served() {
    for align in [1, 8, 16, 32, 64, 4096, 1 << 20] {
        for size in [0, 1, 15, 16, 100, 1024, 1025, 5000, 40_000, 3 << 20] {
            let layout = Layout::from_size_align(size.max(1), align).unwrap();
            // SAFETY: the layout is not empty; the blocks are used within their sizes and freed with their layouts.
            unsafe {
                let block = ALLOCATOR.alloc_zeroed(layout);
                assert!(
                    (block as usize).is_multiple_of(align) && (0..layout.size()).all(|index| *block.add(index) == 0)
                );
                block.write_bytes(7, layout.size());
                let larger = layout.size() * 3;
                let block = ALLOCATOR.realloc(block, layout, larger);
                assert!(
                    (block as usize).is_multiple_of(align) && (0..layout.size()).all(|index| *block.add(index) == 7)
                );
                ALLOCATOR.dealloc(block, Layout::from_size_align(larger, align).unwrap());
            }
        }
    }
}
