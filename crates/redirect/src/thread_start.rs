//! Threads that the program makes: attached before their own code runs.

use crate::next_function::NextFunction;
use crate::pthread_create::{PTHREAD_CREATE, PthreadCreate, PthreadStart};
use crate::{Heap, HeapRedirect};
use core::ffi::{c_int, c_void};

const THREAD_NO_MEMORY: c_int = 3;
const THREAD_ERROR: c_int = 2;

/// The type of a thread function for `thrd_create`.
pub type C11Start = unsafe extern "C" fn(*mut c_void) -> c_int;

type ThrdCreate = unsafe extern "C" fn(*mut libc::pthread_t, C11Start, *mut c_void) -> c_int;

/// The thread function and its argument, which the new thread gets in a block of the heap.
#[repr(C)]
struct Start {
    function: *mut c_void,
    argument: *mut c_void,
}

static THRD_CREATE: NextFunction = NextFunction::named(c"thrd_create");

impl<H: Heap> HeapRedirect<H> {
    /// Calls libc's `pthread_create`, and has the new thread attached before it runs `start`. `run` is a function that calls
    /// [`HeapRedirect::run_thread`].
    ///
    /// # Safety
    /// The same as for libc's function, and `run` is that function.
    pub unsafe fn pthread_create(
        &self,
        thread: *mut libc::pthread_t,
        attributes: *const libc::pthread_attr_t,
        start: PthreadStart,
        argument: *mut c_void,
        run: PthreadStart,
    ) -> c_int {
        self.make_background_thread();
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
            let result = create(thread, attributes, run, block.cast());
            if result != 0 {
                self.free(block);
            }
            result
        }
    }

    /// Calls libc's `thrd_create`, like [`HeapRedirect::pthread_create`]. `run` is a function that calls
    /// [`HeapRedirect::run_c11_thread`].
    ///
    /// # Safety
    /// The same as for libc's function, and `run` is that function.
    pub unsafe fn thrd_create(
        &self,
        thread: *mut libc::pthread_t,
        start: C11Start,
        argument: *mut c_void,
        run: C11Start,
    ) -> c_int {
        self.make_background_thread();
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
            let result = create(thread, run, block.cast());
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

    /// Attaches the new thread, frees its start block and returns what is in it.
    unsafe fn begin_thread(&self, block: *mut c_void) -> Start {
        self.heap();
        // SAFETY: `start_block`'s, this thread's alone.
        unsafe {
            let start = block.cast::<Start>().read();
            self.free(block.cast());
            start
        }
    }

    /// Runs a thread that [`HeapRedirect::pthread_create`] made: it is the thread's first function.
    ///
    /// Nothing may follow the call of the thread's function: `pthread_exit` and cancellation do not return from it.
    ///
    /// # Safety
    /// Libc calls it in the new thread, with the start block.
    #[inline(always)]
    pub unsafe fn run_thread(&self, block: *mut c_void) -> *mut c_void {
        // SAFETY: the program passes what the function of libc expects; the function came as one of this type.
        unsafe {
            let start = self.begin_thread(block);
            core::mem::transmute::<*mut c_void, PthreadStart>(start.function)(start.argument)
        }
    }

    /// Runs a thread that [`HeapRedirect::thrd_create`] made: it is the thread's first function.
    ///
    /// # Safety
    /// The same as for [`HeapRedirect::run_thread`].
    #[inline(always)]
    pub unsafe fn run_c11_thread(&self, block: *mut c_void) -> c_int {
        // SAFETY: as in `run_thread`.
        unsafe {
            let start = self.begin_thread(block);
            core::mem::transmute::<*mut c_void, C11Start>(start.function)(start.argument)
        }
    }
}
