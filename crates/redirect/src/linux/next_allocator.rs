//! The allocator that the program would have without this library, if that is not libc's: one that it is linked with. Blocks of
//! it reach us from programs that take them by names of its own (`mallocx`, `mi_malloc`) and free them by C's `free`.

use super::{dlsym, libc_imports};
use core::ffi::{CStr, c_char, c_void};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use xalloc_os::maps::{self, Place};
use xalloc_os::{syscall, thread};

/// Its functions, and the name of its library: null if there is no such allocator, or it has no such function.
static FREE: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static REALLOC: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static USABLE_SIZE: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static LIBRARY: AtomicPtr<c_char> = AtomicPtr::new(core::ptr::null_mut());

/// Looks for it. From the constructor: nothing may be looked up later, when a program frees. What the loader finds behind this
/// library does not change then, because libc is in its list already.
pub fn prepare() {
    // Without libc's own name for its `free`, libc's could not be told from another one.
    let Some(libc_free) = libc_imports::libc_free() else { return };
    let free = dlsym::find(c"free");
    if free.is_null() || free == libc_free as *mut c_void {
        return;
    }
    let (Some(home), Some(libc)) = (Home::of(free), Home::of(dlsym::find(c"__libc_free"))) else { return };
    if home.base == libc.base {
        return;
    }
    for (function, name) in [(&REALLOC, c"realloc"), (&USABLE_SIZE, c"malloc_usable_size")] {
        let found = dlsym::find(name);
        if Home::of(found).is_some_and(|its| its.base == home.base) {
            // Relaxed: `FREE` publishes it.
            function.store(found, Ordering::Relaxed);
        }
    }
    // Relaxed: `FREE` publishes it.
    LIBRARY.store(home.name.cast_mut(), Ordering::Relaxed);
    // Release: whoever sees it sees the others.
    FREE.store(free, Ordering::Release);
}

/// The library that has code at an address.
struct Home {
    base: *mut c_void,
    name: *const c_char,
}

impl Home {
    fn of(function: *mut c_void) -> Option<Self> {
        let mut info = core::mem::MaybeUninit::<libc::Dl_info>::uninit();
        // SAFETY: any value may be looked up; `info` is written if the answer is not 0.
        if unsafe { libc::dladdr(function, info.as_mut_ptr()) } == 0 {
            return None;
        }
        // SAFETY: `dladdr` has written it, because its answer is not 0.
        let info = unsafe { info.assume_init() };
        Some(Self { base: info.dli_fbase, name: info.dli_fname })
    }
}

/// The name of the allocator's library; `None` if there is no such allocator.
pub fn library() -> Option<&'static CStr> {
    // Acquire: pairs with `prepare`.
    if FREE.load(Ordering::Acquire).is_null() {
        return None;
    }
    // Relaxed: see `prepare`.
    let name = LIBRARY.load(Ordering::Relaxed);
    // SAFETY: the loader's, of a library that the program was started with and that therefore stays.
    Some(unsafe { CStr::from_ptr(name) })
}

/// Whether there is such an allocator and the pointer may be a block of it: in memory that is neither a stack's nor a file's.
/// Whoever made it, it is none of ours and none of libc's.
pub fn may_own(pointer: usize) -> bool {
    if library().is_none() || !pointer.is_multiple_of(size_of::<usize>()) || Question::is_asked(pointer) {
        return false;
    }
    match maps::describe(pointer) {
        Place::Break | Place::Anonymous => true,
        Place::Unknown => syscall::is_readable(pointer),
        Place::Unmapped | Place::Stack | Place::File => false,
    }
}

/// Has it free a block.
///
/// # Safety
/// [`may_own`] said so, and the block's owner frees it.
pub unsafe fn free(pointer: usize) {
    // Relaxed: the caller has seen that it is there.
    let function = FREE.load(Ordering::Relaxed);
    // SAFETY: `FREE` is not null once `library` has a name, and C's `free` has this type. The pointer is a block that its owner frees.
    Question::ask(pointer, || unsafe {
        core::mem::transmute::<*mut c_void, unsafe extern "C" fn(usize)>(function)(pointer);
    });
}

/// Has it resize a block; `None` if it cannot.
///
/// # Safety
/// [`may_own`] said so, and nothing uses the block but through the result.
pub unsafe fn resize(pointer: usize, size: usize) -> Option<*mut u8> {
    type Realloc = unsafe extern "C" fn(usize, usize) -> *mut u8;
    // Relaxed: as in `free`.
    let function = REALLOC.load(Ordering::Relaxed);
    // SAFETY: called only if it is not null, and C's `realloc` has this type. Nobody uses the block but through the result.
    let resize = || unsafe { core::mem::transmute::<*mut c_void, Realloc>(function)(pointer, size) };
    (!function.is_null()).then(|| Question::ask(pointer, resize))
}

/// How many bytes of a block may be used; `None` if it does not say.
///
/// # Safety
/// [`may_own`] said so, and the block is live.
pub unsafe fn usable_size(pointer: usize) -> Option<usize> {
    type Measure = unsafe extern "C" fn(usize) -> usize;
    // Relaxed: as in `free`.
    let function = USABLE_SIZE.load(Ordering::Relaxed);
    // SAFETY: called only if it is not null, and `malloc_usable_size` has this type everywhere. The block is live.
    let measure = || unsafe { core::mem::transmute::<*mut c_void, Measure>(function)(pointer) };
    (!function.is_null()).then(|| Question::ask(pointer, measure))
}

/// A call of the allocator's that is under way: which thread made it, and for which pointer. One that only stands before libc's
/// functions hands the pointer on to C's `free`, which is ours, and so it would go on for ever.
struct Question {
    thread: AtomicUsize,
    pointer: AtomicUsize,
}

/// With more threads at a time than these, the last ones do without.
static QUESTIONS: [Question; 16] =
    [const { Question { thread: AtomicUsize::new(0), pointer: AtomicUsize::new(0) } }; 16];

impl Question {
    /// Whether the calling thread is asking for this pointer already. All is relaxed here: a thread looks for what it wrote itself.
    fn is_asked(pointer: usize) -> bool {
        let is_this = |question: &Self| {
            question.thread.load(Ordering::Relaxed) == thread::token()
                && question.pointer.load(Ordering::Relaxed) == pointer
        };
        QUESTIONS.iter().any(is_this)
    }

    /// Calls `function` for a pointer.
    fn ask<T>(pointer: usize, function: impl FnOnce() -> T) -> T {
        let claim = |question: &&Self| {
            // Acquire: what the last asker stored comes before what this one does. Relaxed on failure: nothing was claimed.
            question.thread.compare_exchange(0, thread::token(), Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        let question = QUESTIONS.iter().find(claim);
        if let Some(question) = question {
            // Relaxed: see `is_asked`.
            question.pointer.store(pointer, Ordering::Relaxed);
        }
        let answer = function();
        if let Some(question) = question {
            // Release: see the claim.
            question.thread.store(0, Ordering::Release);
        }
        answer
    }
}
