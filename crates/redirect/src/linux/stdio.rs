//! stdio's list of open files. Its lock must not be held by another thread at a fork.

type Plain = unsafe extern "C" fn();

/// glibc's lock of its list of open files, with the three operations that a fork needs.
///
/// glibc's `fork` takes this lock *after* the prepare handlers. A thread in `fflush(NULL)` may hold it and wait for a file,
/// whose holder, in `getdelim`, waits in malloc. So a heap that holds its locks over a fork must take this one first.
#[derive(Clone, Copy)]
pub struct StdioList {
    lock: Plain,
    unlock: Plain,
    reset: Plain,
}

impl StdioList {
    /// Returns the lock; `None` where libc does not export it (musl).
    pub fn find() -> Option<Self> {
        let lock = xalloc_os::weak_symbol!("_IO_list_lock");
        let unlock = xalloc_os::weak_symbol!("_IO_list_unlock");
        let reset = xalloc_os::weak_symbol!("_IO_list_resetlock");
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

    /// Takes the lock, which is recursive. The caller must hold no lock of this library.
    pub fn lock(self) {
        // SAFETY: callable at any time.
        unsafe { (self.lock)() }
    }

    /// Releases the lock, in the parent.
    pub fn unlock(self) {
        // SAFETY: this thread took it in `lock`.
        unsafe { (self.unlock)() }
    }

    /// Releases the lock in a forked child, whichever thread held it.
    pub fn reset(self) {
        // SAFETY: the only thread of the child calls this.
        unsafe { (self.reset)() }
    }
}
