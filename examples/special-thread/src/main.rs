//! A program that is its own allocator: malloc and free of the whole process, C's too, come from a heap that it holds. One of
//! its threads allocates its messages from a special heap, so that they lie close together, in slabs that hold nothing else.
//!
//! `cargo run --release -p special-thread` prints where blocks lie.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;
use xalloc_heaps::Pow2;

xalloc_redirect::interpose!(Pow2 = Pow2::new());

const MESSAGES: usize = 1000;

fn main() {
    let (sender, receiver) = mpsc::channel();
    let producer = thread::spawn(move || {
        let special = XALLOC_REDIRECT.heap().and_then(Pow2::special_heap).expect("memory for a heap");
        let mut others = Vec::new();
        for number in 0..MESSAGES {
            let message = special.with(|| format!("message number {number:04}").into_boxed_str());
            // What the thread allocates beside its messages comes from its usual heap.
            others.push(vec![0_u8; message.len()]);
            sender.send(message).expect("the main thread receives all");
        }
        others.iter().map(|other| slab_of(other.as_ptr())).collect::<BTreeSet<_>>()
    });
    let messages: Vec<Box<str>> = receiver.iter().collect();
    let others = producer.join().expect("it only allocates");
    let special: BTreeSet<usize> = messages.iter().map(|message| slab_of(message.as_ptr())).collect();
    println!(
        "{} messages in {} slabs, which have nothing else: {}",
        messages.len(),
        special.len(),
        special.is_disjoint(&others)
    );
    // Freed here, by another thread than the one that allocated them: that is nothing special.
}

/// Returns the number of the 64 KiB in which a block lies: a slab, for small blocks.
fn slab_of(block: *const u8) -> usize {
    block as usize >> 16
}
