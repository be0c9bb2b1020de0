//! A Rust program on the default heap: counts the words of its input in as many threads as there are processors.
//!
//! `cargo run --release -p global-allocator < README.md`

use std::collections::HashMap;
use std::io::Read;
use std::thread;
use xalloc_global::Xalloc;

#[global_allocator]
static ALLOCATOR: Xalloc = Xalloc;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let lines: Vec<&str> = text.lines().collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let parts: Vec<HashMap<String, usize>> = thread::scope(|scope| {
        let parts = lines.chunks(lines.len().div_ceil(threads).max(1));
        let counting: Vec<_> = parts.map(|part| scope.spawn(|| count(part))).collect();
        counting.into_iter().map(|thread| thread.join().expect("counting does not panic")).collect()
    });
    // Blocks of other threads, freed here.
    let mut words: Vec<(String, usize)> = merge(parts).into_iter().collect();
    words.sort_by(|(a, times_a), (b, times_b)| times_b.cmp(times_a).then(a.cmp(b)));
    words.iter().take(10).for_each(|(word, times)| println!("{times:6} {word}"));
    eprintln!("{} bytes in use", ALLOCATOR.stats().allocated);
    Ok(())
}

fn count(lines: &[&str]) -> HashMap<String, usize> {
    let mut words = HashMap::new();
    for word in lines.iter().flat_map(|line| line.split_whitespace()) {
        *words.entry(word.to_lowercase()).or_default() += 1;
    }
    words
}

fn merge(parts: Vec<HashMap<String, usize>>) -> HashMap<String, usize> {
    let mut words = HashMap::new();
    for (word, times) in parts.into_iter().flatten() {
        *words.entry(word).or_default() += times;
    }
    words
}
