//! Every batch that is pushed is taken exactly once, with everything its sender wrote.

use crate::remote::RemoteStack;
use crate::sync::AtomicUsize;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use std::ptr::null_mut;

/// A batch: the stack's link and what the sender wrote for the owner, both plain memory.
pub struct Batch {
    link: UnsafeCell<*mut Batch>,
    contents: UnsafeCell<usize>,
}

impl Batch {
    pub fn new(contents: usize) -> *mut Self {
        let batch = Self { link: UnsafeCell::new(null_mut()), contents: UnsafeCell::new(0) };
        // SAFETY: nobody else has it yet.
        batch.contents.with_mut(|cell| unsafe { *cell = contents });
        Box::into_raw(Box::new(batch))
    }
}

/// Takes everything there is, frees it, and returns the sum of the contents.
pub fn take(stack: &RemoteStack<Batch>) -> usize {
    let mut batch = stack.take_all();
    let mut sum = 0;
    while !batch.is_null() {
        // SAFETY: what was taken is ours.
        unsafe {
            let next = (*batch).link.with(|cell| *cell);
            sum += (*batch).contents.with(|cell| *cell);
            drop(Box::from_raw(batch));
            batch = next;
        }
    }
    sum
}

pub fn stack() -> Arc<RemoteStack<Batch>> {
    Arc::new(RemoteStack::around(AtomicUsize::new(0)))
}

/// How many bytes the stack is told that a batch has, for each of its contents: a multiple of what it counts in.
const BYTES: usize = 1 << 10;

pub fn push(stack: &RemoteStack<Batch>, contents: usize) -> usize {
    let batch = Batch::new(contents);
    // SAFETY: a fresh batch, valid until taken, and its pusher's alone while the link is set.
    unsafe { stack.push(batch, contents * BYTES, |link| (*batch).link.with_mut(|cell| *cell = link)) }
}

#[test]
fn two_senders_and_an_owner() {
    loom::model(|| {
        let stack = stack();
        let senders: Vec<_> = [1, 10]
            .into_iter()
            .map(|contents| {
                let stack = stack.clone();
                loom::thread::spawn(move || push(&stack, contents))
            })
            .collect();
        let early = take(&stack);
        for sender in senders {
            sender.join().unwrap();
        }
        assert_eq!(early + take(&stack), 11);
        assert!(stack.is_empty() && stack.peek().is_null());
    });
}

#[test]
fn what_waits_is_counted() {
    loom::model(|| {
        let stack = stack();
        let sender = {
            let stack = stack.clone();
            loom::thread::spawn(move || push(&stack, 1))
        };
        let taken = take(&stack);
        sender.join().unwrap();
        assert_eq!(push(&stack, 10), (11 - taken) * BYTES);
        assert_eq!(stack.waiting(), (11 - taken) * BYTES);
        assert_eq!(taken + take(&stack), 11);
        assert_eq!(stack.waiting(), 0);
    });
}

#[test]
fn more_than_can_be_counted_is_the_most() {
    loom::model(|| {
        let stack = stack();
        let most = push(&stack, 1 << 20);
        assert_eq!(push(&stack, 1), most);
        assert_eq!(take(&stack), (1 << 20) + 1);
        assert_eq!(stack.waiting(), 0);
    });
}

#[test]
fn one_sender_twice() {
    loom::model(|| {
        let stack = stack();
        let sender = {
            let stack = stack.clone();
            loom::thread::spawn(move || {
                push(&stack, 1);
                push(&stack, 10);
            })
        };
        let sum = take(&stack) + take(&stack);
        sender.join().unwrap();
        assert_eq!(sum + take(&stack), 11);
    });
}
