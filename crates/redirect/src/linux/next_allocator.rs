//! The allocator that the program would have without this library, if that is not libc's: one with which it is linked. A
//! program may take a block by one of its own names (`mallocx`, `mi_malloc`) and free it by C's `free`, which is ours.

use super::{dlsym, libc_imports};
use core::ffi::{CStr, c_char, c_void};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use xalloc_os::maps::{self, Place};
use xalloc_os::{syscall, thread};

/// The allocator's functions, and the name of its library. Null if there is no such allocator, or if it has no such function.
static FREE: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static REALLOC: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static USABLE_SIZE: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static LIBRARY: AtomicPtr<c_char> = AtomicPtr::new(core::ptr::null_mut());

/// Looks for the allocator. The constructor calls it, because nothing may be looked up later, when a program frees. The
/// loader's answer does not change later, because libc is in its list already.
pub fn prepare() {
    // Without libc's own name for its `free`, that `free` could not be told from another allocator's.
    let Some(libc_free) = libc_imports::libc_free() else { return };
    let free = dlsym::find(c"free");
    if free.is_null() || free == libc_free as *mut c_void {
        return;
    }
    let (Some(library), Some(libc)) = (Library::of(free), Library::of(dlsym::find(c"__libc_free"))) else { return };
    if library.base == libc.base {
        return;
    }
    for (function, name) in [(&REALLOC, c"realloc"), (&USABLE_SIZE, c"malloc_usable_size")] {
        let found = dlsym::find(name);
        if Library::of(found).is_some_and(|its| its.base == library.base) {
            // Relaxed: `FREE` publishes it.
            function.store(found, Ordering::Relaxed);
        }
    }
    // Relaxed: `FREE` publishes it.
    LIBRARY.store(library.name.cast_mut(), Ordering::Relaxed);
    // Release: a thread that sees it sees the others.
    FREE.store(free, Ordering::Release);
}

/// The library that contains a function.
struct Library {
    base: *mut c_void,
    name: *const c_char,
}

impl Library {
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

/// Returns the name of the allocator's library; `None` if there is no such allocator.
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

/// Returns whether there is such an allocator, and the pointer may be one of its blocks: in memory that is neither a stack nor
/// a file's. The caller knows that it is neither ours nor libc's.
pub fn may_own(pointer: usize) -> bool {
    if library().is_none() || !pointer.is_multiple_of(size_of::<usize>()) || CallRecord::is_under_way(pointer) {
        return false;
    }
    match maps::describe(pointer) {
        Place::Break | Place::Anonymous => true,
        Place::Unknown => syscall::is_readable(pointer),
        Place::Unmapped | Place::Stack | Place::File => false,
    }
}

/// Frees a block by the allocator.
///
/// # Safety
/// [`may_own`] returned true, and the block's owner frees it.
pub unsafe fn free(pointer: usize) {
    // Relaxed: the caller has seen that the function is there.
    let function = FREE.load(Ordering::Relaxed);
    // SAFETY: `FREE` is not null once `library` has a name, and C's `free` has this type. The pointer is a block that its owner
    // frees.
    CallRecord::during(pointer, || unsafe {
        core::mem::transmute::<*mut c_void, unsafe extern "C" fn(usize)>(function)(pointer);
    });
}

/// Resizes a block by the allocator; `None` if it cannot.
///
/// # Safety
/// [`may_own`] returned true, and nothing uses the block but through the result.
pub unsafe fn resize(pointer: usize, size: usize) -> Option<*mut u8> {
    type Realloc = unsafe extern "C" fn(usize, usize) -> *mut u8;
    // Relaxed: as in `free`.
    let function = REALLOC.load(Ordering::Relaxed);
    // SAFETY: called only if it is not null, and C's `realloc` has this type. Nobody uses the block but through the result.
    let resize = || unsafe { core::mem::transmute::<*mut c_void, Realloc>(function)(pointer, size) };
    (!function.is_null()).then(|| CallRecord::during(pointer, resize))
}

/// Returns the usable size of a block; `None` if the allocator does not say.
///
/// # Safety
/// [`may_own`] returned true, and the block is live.
pub unsafe fn usable_size(pointer: usize) -> Option<usize> {
    type Measure = unsafe extern "C" fn(usize) -> usize;
    // Relaxed: as in `free`.
    let function = USABLE_SIZE.load(Ordering::Relaxed);
    // SAFETY: called only if it is not null, and `malloc_usable_size` has this type everywhere. The block is live.
    let measure = || unsafe { core::mem::transmute::<*mut c_void, Measure>(function)(pointer) };
    (!function.is_null()).then(|| CallRecord::during(pointer, measure))
}

/// A call of the allocator's function that has not returned: the thread that made it, and the pointer. An allocator that only
/// calls libc's functions passes the pointer to C's `free`, which is ours. Without this record, the two would call each other
/// for ever.
struct CallRecord {
    thread: AtomicUsize,
    pointer: AtomicUsize,
}

/// The records of the calls. If more threads than these call at once, the last ones go without a record.
static CALLS: [CallRecord; 16] =
    [const { CallRecord { thread: AtomicUsize::new(0), pointer: AtomicUsize::new(0) } }; 16];

impl CallRecord {
    /// Returns whether the calling thread is in a call for this pointer already. Relaxed, all: a thread looks for what it wrote
    /// itself.
    fn is_under_way(pointer: usize) -> bool {
        let is_this = |record: &Self| {
            record.thread.load(Ordering::Relaxed) == thread::token()
                && record.pointer.load(Ordering::Relaxed) == pointer
        };
        CALLS.iter().any(is_this)
    }

    /// Calls `function`, with a record for `pointer` as long as it runs.
    fn during<T>(pointer: usize, function: impl FnOnce() -> T) -> T {
        let claim = |record: &&Self| {
            // Acquire: what the last thread stored here comes before what this one stores. Relaxed on failure: nothing was
            // claimed.
            record.thread.compare_exchange(0, thread::token(), Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        let record = CALLS.iter().find(claim);
        if let Some(record) = record {
            // Relaxed: see `is_under_way`.
            record.pointer.store(pointer, Ordering::Relaxed);
        }
        let answer = function();
        if let Some(record) = record {
            // Release: see the claim.
            record.thread.store(0, Ordering::Release);
        }
        answer
    }
}
