//! stdio's list of open files, which `fork` needs to be unlocked.

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
