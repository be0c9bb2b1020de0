//! The TLS word: the value of a pthread key, read where libpthread keeps it.
//!
//! It is not a thread-local variable: a thread's first access to one allocates. What is done here is what `pthread_getspecific`
//! does in libSystem, and what Apple's own libraries do by `_pthread_getspecific_direct`.

use super::arch;
use crate::empty::EMPTY;
use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};

/// The offset of the word in a thread's specific data, in bytes; 0 as long as there is no key (slot 0 is libpthread's own).
static OFFSET: AtomicUsize = AtomicUsize::new(0);

/// Makes the key. Only one thread at a time may call this.
pub fn prepare_tls_word() {
    // Relaxed, here and below: until a thread sees the key, its word reads as empty, which it is.
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

/// Sets the word again. When a thread ends, libpthread clears the values of all keys, in rounds, and calls their destructors.
/// The word must keep its value, because blocks that are freed after the last round need it too.
unsafe extern "C" fn keep(word: *mut c_void) {
    set_tls_word(word.cast());
}

/// Returns the calling thread's TLS word.
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
    // Slot 0 is libpthread's own. The check costs little: a thread's phase changes a few times in its life.
    assert!(offset != 0, "a thread entered a phase before `prepare`");
    // SAFETY: the key's own.
    unsafe { arch::set_specific(offset, word) };
}
