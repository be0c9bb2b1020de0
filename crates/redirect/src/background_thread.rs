//! The library's own thread (`background_thread:true`), which purges while no thread of the program comes to the heap.
//!
//! It is libc's thread, so that libc's `setuid` reaches it and debuggers know it, but no signal does. There is one at most, in the process
//! that started up, never in a forked or `vfork`ed child.
//!
//! **When it is made.** Late: a program with one thread has it made in a slow path, once there is a surplus. `pthread_create` takes locks of
//! libc's there, and libc frees under one of them (the stacks of threads that ended), but not in a process that never had a second
//! thread. So a program with threads has it made when it makes its first one, where no lock of libc's can be held. The loader allocates under
//! locks of its own. glibc lets their holder take them again, as constructors that make threads do; musl does not, so that there the first
//! `dlopen` has the thread made.
//!
//! **When it ends.** For good, before a call that the kernel refuses to a process with several threads or that takes rights from one thread
//! only ([`crate::namespaces`], [`crate::filter`]); and when the program's last thread ends, so that it does not keep the process alive.

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

/// The thread's stack. glibc takes the thread-local storage of all libraries out of it, which is some 10 KiB in large programs.
const STACK: usize = 256 << 10;

impl<H: Heap> HeapRedirect<H> {
    /// Prepares for the thread, if one is wanted. For the constructor: functions are looked up.
    pub(crate) fn prepare_background_thread(&self) {
        if !self.heap.wants_background_thread() || PTHREAD_CREATE.get().is_null() {
            return;
        }
        // Relaxed, both: where a thread sees the state and not yet these, it finds another process's number, and waits.
        self.background.process.store(syscall::process_id(), Ordering::Relaxed);
        self.background.is_single.store(dlsym::preferred(c"__libc_single_threaded").cast(), Ordering::Relaxed);
        self.background.settle(WANTED);
    }

    /// Makes the thread if it is wanted, there is a surplus, and this is a moment for it. For slow paths, where the heap is whole.
    #[inline(always)]
    pub(crate) fn consider_background_thread(&self) {
        if self.background.is_wanted() {
            self.consider_now();
        }
    }

    #[cold]
    #[inline(never)]
    fn consider_now(&self) {
        // Not before a thread is known to the heap, nor when it is torn down.
        let is_moment = matches!(Phase::current(), Phase::Cached(_)) && self.background.is_single_threaded();
        if is_moment && self.heap.has_surplus() {
            self.make_background_thread();
        }
    }

    /// Makes the thread if it is wanted. Where no lock of libc's is held.
    pub(crate) fn make_background_thread(&self) {
        let background = &self.background;
        if !background.is_wanted() || !background.is_at_home() || !background.change(WANTED, BUSY) {
            return;
        }
        // SAFETY: the function is the one for this thread.
        let made = errno::kept(|| unsafe { create(self.callbacks.background) });
        // If there is no thread to be had, this is not tried again and again.
        background.settle(if made { RUNNING } else { OFF });
    }

    /// What the thread does.
    pub fn run_background(&self) {
        // Before anything is allocated: it gets no heap, and is no thread of the program's.
        Phase::Plain.enter();
        let name = c"xalloc".as_ptr() as usize;
        // SAFETY: the kernel reads a string.
        let _ = unsafe { syscall::prctl(libc::PR_SET_NAME, [name, 0, 0, 0]) };
        // Relaxed: only the number matters.
        self.background.thread.store(syscall::thread_id(), Ordering::Relaxed);
        self.heap.purge_in_background();
    }

    /// Ends the thread, and waits until the kernel counts it no more; none is made any more. Not by `pthread_join`, where the calling thread
    /// could be cancelled, and which returns a little too early for that.
    pub(crate) fn end_background_thread(&self) {
        let background = &self.background;
        // First, because a filter may allow no `getpid`.
        if background.is_off() || !background.is_at_home() || background.change(WANTED, OFF) {
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

/// Makes a thread that runs `function`: detached, with a small stack, and with all signals blocked that libc does not use itself.
///
/// # Safety
/// As for `pthread_create`: the function may run in a thread of its own. [`PTHREAD_CREATE`] is known.
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
