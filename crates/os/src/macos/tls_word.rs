//! The TLS word: the value of a pthread key, read where libpthread keeps it.
//!
//! Not a thread-local variable: the first access of a thread to one allocates. `pthread_getspecific` compiled into libSystem
//! does what stands here, as do Apple's own libraries (`_pthread_getspecific_direct`).

use super::arch;
use crate::empty::EMPTY;
use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Where the word is among a thread's specific data, in bytes; 0 as long as there is no key (slot 0 is libpthread's own).
static OFFSET: AtomicUsize = AtomicUsize::new(0);

/// Makes the key. Called by one thread at a time.
pub fn prepare_tls_word() {
    // Relaxed, here and below: until a thread sees the key, its word reads as empty, which is what it is.
    if OFFSET.load(Ordering::Relaxed) != 0 {
        return;
    }
    let mut key = 0;
    // SAFETY: libpthread's; it neither allocates nor needs to have been initialised.
    if unsafe { libc::pthread_key_create(&mut key, Some(keep)) } != 0 {
        crate::abort::abort("xalloc: no pthread key is left at the start of the process");
    }
    OFFSET.store(key as usize * size_of::<*mut u8>(), Ordering::Relaxed);
}

/// At a thread's end libpthread empties every key, in rounds, and calls its destructor. The word stays what it is: what is
/// freed after the last round needs it too.
unsafe extern "C" fn keep(word: *mut c_void) {
    set_tls_word(word.cast());
}

/// The calling thread's TLS word.
#[inline(always)]
pub fn tls_word() -> *mut u8 {
    let offset = OFFSET.load(Ordering::Relaxed);
    // SAFETY: the key's own.
    let word = if offset == 0 { core::ptr::null_mut() } else { unsafe { arch::specific(offset) } };
    if word.is_null() { (&raw const EMPTY).cast::<u8>().cast_mut() } else { word }
}

/// Sets the calling thread's TLS word.
#[inline(always)]
pub fn set_tls_word(word: *mut u8) {
    let offset = OFFSET.load(Ordering::Relaxed);
    // Slot 0 is libpthread's own. Not a hot path: a thread's phase changes a few times in its life.
    assert!(offset != 0, "a thread entered a phase before `prepare`");
    // SAFETY: the key's own.
    unsafe { arch::set_specific(offset, word) };
}
