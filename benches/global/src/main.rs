//! What Rust programs do with memory, under the allocator that a feature chooses (none: the system's). Prints seconds, a
//! line for each part.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

#[cfg(feature = "xalloc")]
#[global_allocator]
static ALLOCATOR: xalloc_global::Xalloc = xalloc_global::Xalloc;
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
#[cfg(feature = "snmalloc")]
#[global_allocator]
static ALLOCATOR: snmalloc_rs::SnMalloc = snmalloc_rs::SnMalloc;
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let parts: [(&str, fn()); 5] =
        [("boxes", boxes), ("strings", strings), ("trees", trees), ("vectors", vectors), ("channel", channel)];
    for (name, part) in parts {
        let start = Instant::now();
        part();
        println!("{name} {:.6}", start.elapsed().as_secs_f64());
    }
}

/// Layouts that the compiler knows: a list of boxes that is built and dropped, 2,000 times 1,000.
fn boxes() {
    struct Node {
        _next: Option<Box<Node>>,
        _value: [u64; 4],
    }
    for _ in 0..2_000 {
        let mut list = None;
        for value in 0..1_000 {
            list = Some(Box::new(Node { _next: list, _value: [value; 4] }));
        }
        // One by one: a long list would overflow the stack when dropped as a whole.
        while let Some(node) = black_box(list.take()) {
            list = node._next;
        }
    }
}

/// A map of words, with a key made for every look-up.
fn strings() {
    let mut words: HashMap<String, String> = HashMap::new();
    for number in 0..1_500_000u32 {
        let key = format!("key {}", number.wrapping_mul(2_654_435_761) % 60_000);
        words.entry(key).or_default().push((b'a' + (number % 26) as u8) as char);
    }
    black_box(words);
}

/// A map that loses and gains entries of two sizes.
fn trees() {
    let mut tree: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for number in 0..1_500_000u32 {
        let key = number.wrapping_mul(2_654_435_761) % 100_000;
        if tree.remove(&key).is_none() {
            tree.insert(key, (0..number % 30).collect());
        }
    }
    black_box(tree);
}

/// Vectors that grow element by element.
fn vectors() {
    for round in 0..4_000 {
        let mut vectors: Vec<Vec<u64>> = vec![Vec::new(); 20];
        for number in 0..4_000 {
            vectors[(number * 7 + round) % 20].push(number as u64);
        }
        black_box(&vectors);
    }
}

/// One thread allocates, another one frees.
fn channel() {
    let (send, receive) = sync_channel::<Vec<Box<[u8; 100]>>>(16);
    let freeing = std::thread::spawn(move || receive.into_iter().map(|batch| batch.len()).sum::<usize>());
    for _ in 0..20_000 {
        send.send((0..100).map(|_| Box::new([1; 100])).collect()).expect("the other end waits");
    }
    drop(send);
    assert_eq!(freeing.join().expect("it does not panic"), 2_000_000);
}
