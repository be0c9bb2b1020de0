//! A segment in which anything stands: it is read to its end, or refused, and nothing outside of it is read.
#![no_main]

use arbitrary::Arbitrary;
use core::mem::offset_of;
use core::sync::atomic::AtomicU64;
use xalloc_observe::layout::{Counters, Header, MAGIC, VERSION};
use xalloc_observe::reader::View;

#[derive(Arbitrary, Debug)]
struct Input {
    /// What stands behind the magic and the version.
    words: Vec<u64>,
    /// How many words follow, all the same.
    more: u16,
    filled_with: u64,
}

libfuzzer_sys::fuzz_target!(|input: Input| {
    let begin = [MAGIC, u64::from(VERSION) | input.words.first().copied().unwrap_or(0) << 32];
    let rest = input.words.iter().copied().skip(1).chain((0..input.more).map(|_| input.filled_with));
    let words: Vec<AtomicU64> = begin.into_iter().chain(rest).map(AtomicU64::new).collect();
    let Ok(view) = View::new(&words) else { return };
    view.consistent(|| {
        for slot in 0..view.used_slots() {
            view.thread(slot);
            for class in 0..view.classes() {
                view.allocations(slot, class, view.frees(slot, class));
            }
        }
    });
    for class in 0..view.classes() {
        view.limit(class);
        for offset in (0..size_of::<Counters>()).step_by(8) {
            view.mark(class, offset);
        }
    }
    for stack in (0..view.stacks()).map(|index| view.stack(index)) {
        assert!(stack.frames.len() <= words.len());
    }
    view.program();
    view.want(1);
    view.unwant(1);
    assert_eq!(view.header_number(offset_of!(Header, wanted)) & 1, 0);
});
