//! A list in shared memory, and the two processes that write and read it.

use crate::pool::{BLOCK, Pool};
use crate::shared_file::SharedFile;
use anyhow::{Context, ensure};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, Ordering};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

/// How many numbers are in the list: more than fit into one slab.
const LENGTH: u64 = 2000;

/// A block of the list.
struct Node {
    next: *mut Node,
    number: u64,
    was_read: AtomicBool,
}

const _: () = assert!(size_of::<Node>() <= BLOCK);

/// The first process: allocates a list, and starts the second one, which has the file as its standard input.
pub fn write() -> anyhow::Result<()> {
    let file: &'static SharedFile = Box::leak(Box::new(SharedFile::create()?));
    let mut pool = Pool::new(file);
    let mut head = null_mut();
    for number in 1..=LENGTH {
        let node = pool.allocate().context("the file is full")?.cast::<Node>();
        // SAFETY: a block just allocated, large enough and aligned for a node.
        unsafe { node.write(Node { next: head, number, was_read: AtomicBool::new(false) }) };
        head = node;
    }
    println!("the first process has written {LENGTH} numbers, in {} KiB of slabs", pool.in_slabs() >> 10);
    let mut reader = Command::new(std::env::current_exe()?);
    reader.arg(head.addr().to_string()).stdin(Stdio::from(file.file().as_fd().try_clone_to_owned()?));
    let status = reader.status().context("cannot start the second process")?;
    ensure!(status.success(), "the second process has failed: {status}");
    let mut read = 0;
    while !head.is_null() {
        // SAFETY: a node of the list, which only this process frees. Relaxed: the other process has ended.
        let (next, was_read) = unsafe { ((*head).next, (*head).was_read.load(Ordering::Relaxed)) };
        read += u64::from(was_read);
        // SAFETY: a block of the pool, of which nobody knows any more.
        unsafe { pool.free(head.cast()) };
        head = next;
    }
    println!("the first process finds {read} of them marked, and has freed them");
    Ok(())
}

/// The second process: maps the file that is its standard input, and reads the list that begins at the address `head`.
pub fn read(head: &str) -> anyhow::Result<()> {
    let file = SharedFile::map(std::io::stdin().as_fd().try_clone_to_owned()?)?;
    let head: usize = head.parse().context("the argument is the address of a list")?;
    let (mut node, mut sum) = (core::ptr::with_exposed_provenance::<Node>(head), 0);
    while !node.is_null() {
        ensure!(file.contains(node.addr()), "{node:p} is no address of the file");
        // SAFETY: the other process has written a node there, and waits. Relaxed: so nobody else uses it.
        unsafe {
            sum += (*node).number;
            (*node).was_read.store(true, Ordering::Relaxed);
            node = (*node).next;
        }
    }
    println!("the second process has read and marked them; their sum is {sum}");
    Ok(())
}
