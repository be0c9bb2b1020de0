//! How threads begin and end, for the heap.
//!
//! A thread is *attached* at its first allocation, or a little earlier if `pthread_create` made it. It is *detached* by a
//! destructor of a pthread key, in the last of libc's rounds of destructors, because the other ones allocate too: that
//! way works for return, `pthread_exit`, cancellation and `thrd_exit` alike, which code after the thread's function does
//! not. What libc frees even later finds a thread that is torn down, which heaps serve on a shared path.

use crate::{Heap, HeapRedirect, next};
use core::ffi::{CStr, c_int, c_void};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use xalloc_os::thread::Phase;

/// libc calls destructors as long as there are values, this many times (POSIX's minimum; glibc's and musl's value).
const ROUNDS: usize = 4;
const THREAD_NO_MEMORY: c_int = 3;
const THREAD_ERROR: c_int = 2;

/// A thread function as `pthread_create` takes it.
pub type PthreadStart = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
/// A thread function as `thrd_create` takes it.
pub type C11Start = unsafe extern "C" fn(*mut c_void) -> c_int;

type PthreadCreate =
    unsafe extern "C" fn(*mut libc::pthread_t, *const libc::pthread_attr_t, PthreadStart, *mut c_void) -> c_int;
type ThrdCreate = unsafe extern "C" fn(*mut libc::pthread_t, C11Start, *mut c_void) -> c_int;

/// The pthread key whose destructor detaches threads.
pub struct ThreadKey(AtomicUsize);

impl ThreadKey {
    /// No key yet.
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Makes the key. Early in the process it is among the first 32, for which `pthread_setspecific` does not allocate.
    pub fn create(&self, destructor: unsafe extern "C" fn(*mut c_void)) {
        let mut key = 0;
        // SAFETY: libc's; takes no lock. Without a key (all 1024 are taken) threads are never detached: their heaps stay
        // theirs, which costs memory and nothing else.
        if unsafe { libc::pthread_key_create(&mut key, Some(destructor)) } == 0 {
            // Relaxed: published by the end of start-up.
            self.0.store(key as usize + 1, Ordering::Relaxed);
        }
    }

    /// Arms the destructor for the calling thread, for `round`.
    fn arm(&self, round: usize) {
        // Relaxed: see `create`.
        if let Some(key) = self.0.load(Ordering::Relaxed).checked_sub(1) {
            // SAFETY: the key exists. If there is no memory for the value, the thread is never detached.
            unsafe { libc::pthread_setspecific(key as libc::pthread_key_t, round as *const c_void) };
        }
    }
}

/// What a new thread is to run, handed to it in a block of the heap.
#[repr(C)]
struct Start {
    function: *mut c_void,
    argument: *mut c_void,
}

/// A function behind ours, looked up when first needed: never from inside malloc.
struct NextFunction(AtomicPtr<c_void>, &'static CStr);

impl NextFunction {
    fn get(&self) -> *mut c_void {
        // Relaxed: every thread would store the same address of code.
        let known = self.0.load(Ordering::Relaxed);
        if !known.is_null() {
            return known;
        }
        let found = next::find(self.1);
        self.0.store(found, Ordering::Relaxed);
        found
    }
}

static PTHREAD_CREATE: NextFunction = NextFunction(AtomicPtr::new(core::ptr::null_mut()), c"pthread_create");
static THRD_CREATE: NextFunction = NextFunction(AtomicPtr::new(core::ptr::null_mut()), c"thrd_create");

impl<H: Heap> HeapRedirect<H> {
    /// Makes the calling thread known to the heap, once.
    pub(crate) fn attach_thread(&self) {
        if Phase::current() != Phase::New {
            return;
        }
        // First: `pthread_setspecific` and the heap's hook may come back here.
        Phase::Plain.enter();
        self.threads.arm(1);
        self.heap.thread_init();
    }

    /// The key's destructor: re-armed until the last round, then the thread's end for the heap.
    pub fn thread_end(&self, round: *mut c_void) {
        if (round as usize) < ROUNDS {
            return self.threads.arm(round as usize + 1);
        }
        self.heap.thread_exit();
        Phase::TornDown.enter();
    }

    /// C's `pthread_create`, through libc's; the new thread is attached before it runs `start`.
    ///
    /// # Safety
    /// As libc's.
    pub unsafe fn pthread_create(
        &self,
        thread: *mut libc::pthread_t,
        attributes: *const libc::pthread_attr_t,
        start: PthreadStart,
        argument: *mut c_void,
    ) -> c_int {
        let next = PTHREAD_CREATE.get();
        if next.is_null() {
            return libc::EAGAIN;
        }
        let block = self.start_block(start as *mut c_void, argument);
        if block.is_null() {
            return libc::EAGAIN;
        }
        // SAFETY: libc's function of this name has this type; the block is the new thread's, unless there is none.
        unsafe {
            let create = core::mem::transmute::<*mut c_void, PthreadCreate>(next);
            let result = create(thread, attributes, self.callbacks.run_thread, block.cast());
            if result != 0 {
                self.free(block);
            }
            result
        }
    }

    /// C11's `thrd_create`, through libc's, like [`HeapRedirect::pthread_create`].
    ///
    /// # Safety
    /// As libc's.
    pub unsafe fn thrd_create(&self, thread: *mut libc::pthread_t, start: C11Start, argument: *mut c_void) -> c_int {
        let next = THRD_CREATE.get();
        if next.is_null() {
            return THREAD_ERROR;
        }
        let block = self.start_block(start as *mut c_void, argument);
        if block.is_null() {
            return THREAD_NO_MEMORY;
        }
        // SAFETY: as in `pthread_create`.
        unsafe {
            let create = core::mem::transmute::<*mut c_void, ThrdCreate>(next);
            let result = create(thread, self.callbacks.run_c11_thread, block.cast());
            if result != 0 {
                self.free(block);
            }
            result
        }
    }

    fn start_block(&self, function: *mut c_void, argument: *mut c_void) -> *mut u8 {
        let block = self.malloc(size_of::<Start>());
        if !block.is_null() {
            // SAFETY: a fresh block of that size, aligned to 16.
            unsafe { block.cast::<Start>().write(Start { function, argument }) };
        }
        block
    }

    /// Attaches the new thread and takes its start block.
    unsafe fn begin_thread(&self, block: *mut c_void) -> Start {
        self.heap();
        // SAFETY: `start_block`'s, this thread's alone.
        unsafe {
            let start = block.cast::<Start>().read();
            self.free(block.cast());
            start
        }
    }

    /// The first function of a thread that [`HeapRedirect::pthread_create`] made.
    ///
    /// Nothing may stand behind the call of the thread's function: `pthread_exit` and cancellation never return from it.
    ///
    /// # Safety
    /// Called by libc in the new thread, with the start block.
    #[inline(always)]
    pub unsafe fn run_thread(&self, block: *mut c_void) -> *mut c_void {
        // SAFETY: the caller's promise; the function came as one of this type.
        unsafe {
            let start = self.begin_thread(block);
            core::mem::transmute::<*mut c_void, PthreadStart>(start.function)(start.argument)
        }
    }

    /// The first function of a thread that [`HeapRedirect::thrd_create`] made.
    ///
    /// # Safety
    /// As [`HeapRedirect::run_thread`].
    #[inline(always)]
    pub unsafe fn run_c11_thread(&self, block: *mut c_void) -> c_int {
        // SAFETY: as in `run_thread`.
        unsafe {
            let start = self.begin_thread(block);
            core::mem::transmute::<*mut c_void, C11Start>(start.function)(start.argument)
        }
    }
}
