//! The library's own thread (`background_thread:true`). It purges while no thread of the program calls the heap.
//!
//! It is a thread of libc, so that libc's `setuid` reaches it and debuggers know it; but all signals are blocked in it. There
//! is at most one, in the process that started up, and never in a child that was made by `fork` or `vfork`.
//!
//! **When it is made.** Late. A program with one thread makes it in a slow path, once there is a surplus. `pthread_create`
//! takes locks of libc there, and libc frees blocks under one of them (the lock for the stacks of threads that ended); but not
//! in a process that never had a second thread. So a program with threads makes it together with its first thread, where no
//! lock of libc can be held. The loader allocates under locks of its own. glibc lets their holder take them again, because
//! constructors may make threads. musl does not, so there the first `dlopen` makes the thread.
//!
//! **When it ends.** For ever, before a call that the kernel refuses to a process with several threads or that takes rights
//! from one thread only ([`crate::namespaces`], [`crate::filter`]); and when the program's last thread ends, so that it does
//! not keep the process alive.

use crate::background::{BUSY, OFF, RUNNING, WANTED};
use crate::linux::dlsym;
use crate::pthread_create::{PTHREAD_CREATE, PthreadCreate, PthreadStart};
use crate::{Heap, HeapRedirect};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use core::sync::atomic::Ordering;
use xalloc_os::thread::Phase;
use xalloc_os::{clock, errno, syscall};

/// The size of the thread's stack in bytes. glibc takes the thread-local storage of all libraries from it, which is some 10 KiB
/// in large programs.
const STACK: usize = 256 << 10;

impl<H: Heap> HeapRedirect<H> {
    /// Prepares for the thread, if one is wanted. Only the constructor may call it, because it looks up functions.
    pub(crate) fn prepare_background_thread(&self) {
        if !self.heap.wants_background_thread() || PTHREAD_CREATE.get().is_null() {
            return;
        }
        // Relaxed, both: a thread that sees the state but not yet these finds another process's number, and does nothing.
        self.background.process.store(syscall::process_id(), Ordering::Relaxed);
        self.background.is_single.store(dlsym::preferred(c"__libc_single_threaded").cast(), Ordering::Relaxed);
        self.background.settle(WANTED);
    }

    /// Makes the thread if it is wanted, there is a surplus, and it can be made now. Called in slow paths, while the heap is in
    /// order.
    #[inline(always)]
    pub(crate) fn consider_background_thread(&self) {
        if self.background.is_wanted() {
            self.consider_now();
        }
    }

    #[cold]
    #[inline(never)]
    fn consider_now(&self) {
        // Not before the calling thread is attached to the heap, nor after it was torn down.
        let is_moment = matches!(Phase::current(), Phase::Cached(_)) && self.background.is_single_threaded();
        if is_moment && self.heap.has_surplus() {
            self.make_background_thread();
        }
    }

    /// Makes the thread if it is wanted. The caller must hold no lock of libc.
    pub(crate) fn make_background_thread(&self) {
        let background = &self.background;
        if !background.is_wanted() || !background.is_own_process() || !background.change(WANTED, BUSY) {
            return;
        }
        // SAFETY: the function is the one for this thread.
        let made = errno::kept(|| unsafe { create(self.callbacks.background) });
        // If the thread cannot be made, this is not tried again.
        background.settle(if made { RUNNING } else { OFF });
    }

    /// Purges until the thread is told to end. It is the body of the thread's function.
    pub fn run_background(&self) {
        // Before anything is allocated: this thread gets no heap, and is not counted as a thread of the program.
        Phase::Plain.enter();
        let name = c"xalloc".as_ptr() as usize;
        // SAFETY: the kernel reads a string.
        let _ = unsafe { syscall::prctl(libc::PR_SET_NAME, [name, 0, 0, 0]) };
        // Relaxed: only the number matters.
        self.background.thread.store(syscall::thread_id(), Ordering::Relaxed);
        self.heap.purge_in_background();
    }

    /// Ends the thread for ever, and waits until the kernel has removed it. Does not use `pthread_join`: the calling thread
    /// could be cancelled in it, and it returns a little before the kernel has removed the thread.
    pub(crate) fn end_background_thread(&self) {
        let background = &self.background;
        // The state is changed first, because a filter may allow no `getpid`.
        if background.is_off() || !background.is_own_process() || background.change(WANTED, OFF) {
            return;
        }
        while !background.is_off() {
            if !background.change(RUNNING, BUSY) {
                clock::sleep_a_little();
                continue;
            }
            self.heap.end_background();
            // Relaxed, in the loop: as in `run_background`.
            let thread = || background.thread.load(Ordering::Relaxed);
            while thread() == 0 || syscall::has_thread(syscall::process_id(), thread()) {
                clock::sleep_a_little();
            }
            background.settle(OFF);
        }
    }
}

/// Makes a thread that runs `function`: detached, with a small stack, and with all signals blocked except those that libc uses
/// itself. Returns whether it was made.
///
/// # Safety
/// The same as for `pthread_create`: the function may run in a thread of its own. [`PTHREAD_CREATE`] has been looked up.
unsafe fn create(function: PthreadStart) -> bool {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut signals = MaybeUninit::<[libc::sigset_t; 2]>::uninit();
    let (attributes, signals) = (attributes.as_mut_ptr(), signals.as_mut_ptr().cast::<libc::sigset_t>());
    let mut thread = MaybeUninit::<libc::pthread_t>::uninit();
    // SAFETY: libc's functions, with what they initialise before it is used; the next `pthread_create` has libc's type.
    unsafe {
        let create = core::mem::transmute::<*mut c_void, PthreadCreate>(PTHREAD_CREATE.get());
        if libc::pthread_attr_init(attributes) != 0 {
            return false;
        }
        libc::pthread_attr_setdetachstate(attributes, libc::PTHREAD_CREATE_DETACHED);
        libc::pthread_attr_setstacksize(attributes, STACK);
        let before = signals.add(1);
        libc::sigfillset(signals);
        libc::pthread_sigmask(libc::SIG_SETMASK, signals, before);
        let result = create(thread.as_mut_ptr(), attributes, function, null_mut());
        libc::pthread_sigmask(libc::SIG_SETMASK, before, null_mut());
        libc::pthread_attr_destroy(attributes);
        result == 0
    }
}
