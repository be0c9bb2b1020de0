//! Two processes that share an arena: the first one allocates a list in it, the second one maps the arena at the same address,
//! follows the list's pointers, and marks what it has read, which the first one sees.
//!
//! `cargo run --release -p shared-arena`

#[cfg(target_os = "linux")]
mod list;
#[cfg(target_os = "linux")]
mod pool;
#[cfg(target_os = "linux")]
mod shared_file;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1) {
        None => list::write(),
        Some(head) => list::read(&head),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("shared-arena: files in memory (memfd_create) are Linux's");
    std::process::exit(1);
}
