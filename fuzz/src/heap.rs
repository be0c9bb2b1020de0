//! The harness for heaps: any [`Heap`] is one line, `xalloc_fuzz::heap::run(&HEAP, operations)`.

use crate::Size;
use crate::shadow::Shadow;
use crate::worker::Worker;
use arbitrary::Arbitrary;
use std::sync::OnceLock;
use xalloc_heap::{Heap, Incident, Refusal};
use xalloc_os::thread::Phase;

/// More than so many bytes are not held at a time.
const MOST: usize = 128 << 20;
/// The threads: the fuzzer's own, and two others.
const ACTORS: usize = 3;

/// Something that a program does.
#[derive(Arbitrary, Debug)]
pub struct Operation {
    /// Which thread does it.
    actor: u8,
    what: What,
}

#[derive(Arbitrary, Debug)]
enum What {
    Malloc(Size),
    /// Many blocks of one size, and the same number of frees later on: bursts.
    MallocMany(Size, u8),
    Calloc(Size),
    Memalign(Size, u8),
    Realloc(u16, Size),
    Free(u16),
    FreeMany(u16, u8),
    /// Frees a block twice: the second one must be refused.
    FreeTwice(u16),
    /// Frees an address inside of a block: it must be refused.
    FreeInside(u16, usize),
    /// Asks about any address.
    Ask(usize),
    Check,
    Trim(u32),
    /// What a fork does in the parent.
    Fork,
    EndThread,
}

/// Runs the operations on `heap`, and checks what comes of each.
pub fn run<H: Heap + 'static>(heap: &'static H, operations: Vec<Operation>) {
    prepare(heap);
    let mut program = Program { heap, live: Shadow::default(), workers: [const { None }; ACTORS - 1] };
    attach(heap);
    operations.iter().for_each(|operation| program.step(operation));
    program.end();
    heap.thread_exit();
}

/// Has the heap initialised, once.
fn prepare(heap: &impl Heap) {
    static PREPARED: OnceLock<()> = OnceLock::new();
    PREPARED.get_or_init(|| {
        xalloc_os::thread::prepare();
        heap.init(unexpected);
    });
}

/// No operation makes a mistake that is not refused at once.
fn unexpected(incident: Incident) {
    panic!("{incident:?}");
}

fn attach(heap: &impl Heap) {
    Phase::Plain.enter();
    heap.thread_init();
}

struct Program<H: Heap + 'static> {
    heap: &'static H,
    live: Shadow,
    workers: [Option<Worker>; ACTORS - 1],
}

impl<H: Heap> Program<H> {
    /// Has a thread call `f`.
    fn on<T: Send + 'static>(&mut self, actor: u8, f: impl FnOnce(&'static H) -> T + Send + 'static) -> T {
        let heap = self.heap;
        let Some(worker) = (actor as usize % ACTORS).checked_sub(1) else { return f(heap) };
        let new = || {
            let end = move || {
                heap.thread_exit();
                Phase::TornDown.enter();
            };
            Worker::new(move || attach(heap), end)
        };
        self.workers[worker].get_or_insert_with(new).run(move || f(heap))
    }

    fn step(&mut self, &Operation { actor, ref what }: &Operation) {
        match *what {
            What::Malloc(size) => self.malloc(actor, size.0),
            What::MallocMany(size, count) => (0..count).for_each(|_| self.malloc(actor, size.0.min(40 << 10))),
            What::Calloc(Size(size)) => self.allocate(actor, size, 16, true, move |heap| heap.calloc(size)),
            What::Memalign(Size(size), shift) => {
                let align = 1 << (shift % 22);
                self.allocate(actor, size, align, false, move |heap| heap.memalign(align, size));
            }
            What::Realloc(which, size) => self.realloc(actor, which, size.0),
            What::Free(which) => self.free(actor, which).map_or((), |_| ()),
            What::FreeMany(first, count) => {
                let blocks: Vec<usize> = self.live.starts();
                let blocks = blocks.iter().cycle().skip(first as usize % blocks.len().max(1)).take(blocks.len());
                blocks.take(count as usize).for_each(|&block| self.free_block(actor, block));
            }
            What::FreeTwice(which) => {
                if let Some(block) = self.free(actor, which) {
                    self.must_refuse(actor, block);
                }
            }
            What::FreeInside(which, offset) => {
                let Some(block) = self.live.pick(which) else { return };
                let usable = self.live.usable(block);
                self.must_refuse(actor, block + offset % (usable - 1) + 1);
            }
            What::Ask(address) => {
                let size = self.on(actor, move |heap| heap.block_size(address));
                let expected = if self.live.has(address) { self.live.usable(address) } else { 0 };
                assert_eq!(size, expected, "of {address:#x}");
            }
            What::Check => self.check(actor),
            What::Trim(keep) => drop(self.on(actor, move |heap| heap.trim(keep as usize >> 8))),
            What::Fork => self.on(actor, |heap| {
                heap.prefork();
                heap.postfork_parent();
            }),
            What::EndThread => {
                if let Some(worker) = (actor as usize % ACTORS).checked_sub(1) {
                    self.workers[worker] = None;
                }
            }
        }
    }

    fn malloc(&mut self, actor: u8, size: usize) {
        self.allocate(actor, size, 16, false, move |heap| {
            let block = heap.cached_malloc(size);
            if block.is_null() { heap.malloc(size) } else { block }
        });
    }

    fn allocate(
        &mut self,
        actor: u8,
        size: usize,
        align: usize,
        zeros: bool,
        f: impl FnOnce(&'static H) -> *mut u8 + Send + 'static,
    ) {
        if self.live.bytes() + size + align > MOST {
            return;
        }
        let (block, usable) = self.on(actor, move |heap| {
            let block = f(heap);
            assert!(!block.is_null(), "there is memory");
            // SAFETY: a block that was just handed out.
            (block as usize, unsafe { heap.usable_size(block) })
        });
        let usable = usable.expect("it is a block");
        assert!(usable >= size, "{usable} bytes for a request of {size}");
        if zeros {
            // SAFETY: as above.
            let bytes = unsafe { core::slice::from_raw_parts(block as *const u8, size) };
            assert!(bytes.iter().all(|&byte| byte == 0), "calloc of {size} bytes does not read as zeros");
        }
        self.live.add(block, usable, align.max(16));
    }

    fn realloc(&mut self, actor: u8, which: u16, size: usize) {
        let Some(block) = self.live.pick(which) else { return };
        if self.live.bytes() + size > MOST {
            return;
        }
        let size = size.max(1);
        let (new, usable) = self.on(actor, move |heap| {
            // SAFETY: a block that lives, and is the program's.
            unsafe {
                let block = block as *mut u8;
                if heap.cached_fits(block, size) {
                    return (block as usize, heap.usable_size(block));
                }
                let moved = heap.cached_move(block, size);
                let new = if moved.is_null() { heap.realloc(block, size).expect("it is a block") } else { moved };
                (new as usize, heap.usable_size(new))
            }
        });
        let usable = usable.expect("it is a block");
        assert!(usable >= size, "{usable} bytes for a request of {size}");
        self.live.resize(block, size, (new, usable), 16);
    }

    fn free(&mut self, actor: u8, which: u16) -> Option<usize> {
        let block = self.live.pick(which)?;
        self.free_block(actor, block);
        Some(block)
    }

    fn free_block(&mut self, actor: u8, block: usize) {
        let usable = self.live.remove(block);
        let (before, freed) = self.on(actor, move |heap| {
            // SAFETY: a block that lived until now.
            unsafe { (heap.usable_size(block as *mut u8), free(heap, block)) }
        });
        assert_eq!((before, freed), (Ok(usable), Ok(())));
    }

    /// Frees an address where no block is.
    fn must_refuse(&mut self, actor: u8, address: usize) {
        // SAFETY: the heap can tell it from a block.
        let refusal = self.on(actor, move |heap| unsafe { free(heap, address) });
        assert!(refusal.is_err(), "{address:#x} is no block that lives");
    }

    /// Checks the contents of all blocks, and the heap's statistics.
    fn check(&mut self, actor: u8) {
        self.live.check_all();
        let Some(stats) = self.on(actor, |heap| heap.stats()) else { return };
        let live = self.live.bytes();
        let most = live + stats.remote_frees;
        assert!((live..=most).contains(&stats.allocated), "{live} bytes live: {stats:?}");
        assert!(stats.active >= stats.allocated, "{stats:?}");
    }

    /// Frees everything, and ends all threads.
    fn end(mut self) {
        for (actor, block) in self.live.starts().into_iter().enumerate() {
            self.free_block(actor as u8, block);
        }
        self.workers = [const { None }; ACTORS - 1];
        self.check(0);
    }
}

/// Frees a block, as the redirect layer does.
///
/// # Safety
/// The block is the caller's, or the heap can tell it from one.
unsafe fn free(heap: &impl Heap, block: usize) -> Result<(), Refusal> {
    // SAFETY: the caller's.
    unsafe { if heap.cached_free(block as *mut u8) { Ok(()) } else { heap.free(block as *mut u8) } }
}
