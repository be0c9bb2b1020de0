//! Functions of libc that not every libc has: imported weakly, each with what its absence means.

use core::ffi::c_void;

type Plain = unsafe extern "C" fn();

/// glibc's lock of its list of open files, with the three operations that `fork` needs.
///
/// glibc's `fork` takes this lock *after* the prepare handlers, while a thread in `fflush(NULL)` holds it and waits for a
/// file whose holder, in `getdelim`, waits in malloc: a heap that holds its locks over `fork` must take this one first.
#[derive(Clone, Copy)]
pub struct StdioList {
    lock: Plain,
    unlock: Plain,
    reset: Plain,
}

impl StdioList {
    /// `None` where libc does not export it (musl).
    pub fn find() -> Option<Self> {
        let lock = crate::weak_symbol!("_IO_list_lock");
        let unlock = crate::weak_symbol!("_IO_list_unlock");
        let reset = crate::weak_symbol!("_IO_list_resetlock");
        if lock.is_null() || unlock.is_null() || reset.is_null() {
            return None;
        }
        // SAFETY: glibc declares all three as `void f (void)`.
        unsafe {
            Some(Self {
                lock: core::mem::transmute::<*mut u8, Plain>(lock),
                unlock: core::mem::transmute::<*mut u8, Plain>(unlock),
                reset: core::mem::transmute::<*mut u8, Plain>(reset),
            })
        }
    }

    /// Takes the lock (it is recursive). Nothing of ours may be locked.
    pub fn lock(self) {
        // SAFETY: callable at any time.
        unsafe { (self.lock)() }
    }

    /// Gives it back, in the parent.
    pub fn unlock(self) {
        // SAFETY: this thread took it in `lock`.
        unsafe { (self.unlock)() }
    }

    /// Makes it free in a forked child, whoever held it.
    pub fn reset(self) {
        // SAFETY: the only thread of the child calls this.
        unsafe { (self.reset)() }
    }
}

/// libc's own `free`, under the name that nobody replaces. `None` where it is not exported (musl).
pub fn libc_free() -> Option<unsafe extern "C" fn(*mut c_void)> {
    let address = crate::weak_symbol!("__libc_free");
    if address.is_null() {
        return None;
    }
    // SAFETY: glibc declares it as `void __libc_free (void *)`.
    Some(unsafe { core::mem::transmute::<*mut u8, unsafe extern "C" fn(*mut c_void)>(address) })
}

// The `libc` crate names these libraries itself unless anything built in the same cargo run wants its feature `std`, which
// leaves it to the standard library, which is not here. Before glibc 2.34, threads and `dlsym` had libraries of their own.
#[link(name = "c")]
#[link(name = "dl")]
#[link(name = "pthread")]
unsafe extern "C" {}
