//! Captures the stack of random calls of malloc, calloc and realloc, which the next allocator serves, and calls a function with
//! it at which gdb stops. `STACK_SAMPLES_EVERY` is the mean number of calls between two.

#![no_std]
#![allow(clippy::disallowed_methods, reason = "that list is for the library")]

use core::ffi::{CStr, c_char, c_void};
use core::mem::transmute;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use xalloc_observe::unwind;

xalloc_os::panic_handler!();
xalloc_os::constructor!(start);

/// As many frames as are compared.
const FRAMES: usize = 64;

/// The mean number of calls between two samples; 0 until the process has started.
static EVERY: AtomicUsize = AtomicUsize::new(0);

/// How many calls are left to the next sample.
static LEFT: AtomicUsize = AtomicUsize::new(1);

extern "C" fn start() {
    // SAFETY: a look-up, and the type that the function of this name has.
    unsafe {
        let find = libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr());
        unwind::set_finder(transmute::<*mut c_void, Option<unwind::FindObject>>(find));
    }
    unwind::MODULES.refresh();
    let every = xalloc_os::process::variable("STACK_SAMPLES_EVERY").and_then(|text| core::str::from_utf8(text).ok());
    // Relaxed, here and below: numbers that order nothing.
    EVERY.store(every.and_then(|text| text.parse().ok()).unwrap_or(1000), Ordering::Relaxed);
}

/// Takes a sample, if it is time for one. Inlined into what the program calls.
#[inline(always)]
fn allocating() {
    let every = EVERY.load(Ordering::Relaxed);
    if every != 0 && LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
        sample(every);
    }
}

#[inline(never)]
fn sample(every: usize) {
    let mut frames = [0; FRAMES];
    let count = unwind::capture(&mut frames, 0);
    stack_sample(frames.as_ptr(), count);
    LEFT.store(1 + random() % (2 * every), Ordering::Relaxed);
}

/// The place of gdb's breakpoint. The frames are those of the function that calls this one, and its callers.
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn stack_sample(frames: *const usize, count: usize) {
    // Nothing else, so that gdb finds the arguments in their registers.
    core::arch::naked_asm!("ret")
}

/// The same numbers in each run.
fn random() -> usize {
    static STATE: AtomicUsize = AtomicUsize::new(0x2545_f491_4f6c_dd1d);
    let mut state = STATE.load(Ordering::Relaxed);
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    STATE.store(state, Ordering::Relaxed);
    state >> 8
}

/// Returns the next definition of a function behind this library.
fn next(name: &CStr, known: &AtomicPtr<c_void>) -> *mut c_void {
    let found = known.load(Ordering::Relaxed);
    if !found.is_null() {
        return found;
    }
    // SAFETY: a look-up, which allocates nothing if it finds something.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr().cast::<c_char>()) };
    known.store(found, Ordering::Relaxed);
    found
}

macro_rules! sampled {
    ($name:ident($($argument:ident: $type:ty),*)) => {
        /// Calls the next function of this name.
        ///
        /// # Safety
        /// As that function.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> *mut c_void {
            static NEXT: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
            allocating();
            let name = const {
                match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => panic!(),
                }
            };
            let next = next(name, &NEXT);
            // SAFETY: the function of this name has this type.
            unsafe { transmute::<*mut c_void, unsafe extern "C" fn($($type),*) -> *mut c_void>(next)($($argument),*) }
        }
    };
}

sampled!(malloc(size: usize));
sampled!(calloc(count: usize, size: usize));
sampled!(realloc(block: *mut c_void, size: usize));
