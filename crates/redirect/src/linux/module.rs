//! The shared object into which this code was linked.

use core::ffi::{CStr, c_char, c_int, c_void};

type Find = unsafe extern "C" fn(*const c_void, *mut libc::Dl_info, *mut *const LinkMap, c_int) -> c_int;
type Lookup = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;
type Open = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;

/// The beginning of the loader's `struct link_map`.
#[repr(C)]
struct LinkMap {
    base: usize,
    name: *const c_char,
    /// The dynamic section: pairs of a tag and a value, up to a tag of 0.
    dynamic: *const [usize; 2],
}

impl LinkMap {
    /// Returns whether it was linked with `-z nodelete`.
    ///
    /// # Safety
    /// The object is loaded.
    unsafe fn is_pinned(&self) -> bool {
        const FLAGS_1: usize = 0x6fff_fffb;
        const NODELETE: usize = 8;
        let mut entry = self.dynamic;
        loop {
            // SAFETY: an entry of the section, which has an end.
            let [tag, value] = unsafe { *entry };
            if tag == 0 || tag == FLAGS_1 {
                return tag == FLAGS_1 && value & NODELETE != 0;
            }
            entry = entry.wrapping_add(1);
        }
    }
}

/// glibc's `RTLD_DL_LINKMAP`.
const WITH_LINK_MAP: c_int = 2;

/// Makes the loader keep this code's shared object until the process ends, whoever closes it, because libc has pointers into
/// it. Only a constructor may call it, because it takes the loader's lock.
///
/// Does nothing in a static program, which lacks the functions, and with musl, which never unloads anything.
pub fn stay_loaded() {
    let (find, lookup) = (xalloc_os::weak_symbol!("dladdr1"), xalloc_os::weak_symbol!("dlsym"));
    if find.is_null() || lookup.is_null() {
        return;
    }
    let mut info = core::mem::MaybeUninit::<libc::Dl_info>::uninit();
    let mut object: *const LinkMap = core::ptr::null();
    // SAFETY: glibc declares all three so; the object of this function, and its name, live as long as this runs.
    unsafe {
        let find = core::mem::transmute::<*mut u8, Find>(find);
        let lookup = core::mem::transmute::<*mut u8, Lookup>(lookup);
        if find(stay_loaded as *const c_void, info.as_mut_ptr(), &mut object, WITH_LINK_MAP) == 0 {
            return;
        }
        // The program itself has no name, and stays anyway. A preloaded heap stays too, and its constructor runs before libc's,
        // which is too early for `dlopen`.
        let name = CStr::from_ptr((*object).name);
        if name.is_empty() || (*object).is_pinned() {
            return;
        }
        // It is looked up, because for a reference to it the linker prints a warning in every static program.
        let open = lookup(libc::RTLD_DEFAULT, c"dlopen".as_ptr());
        if !open.is_null() {
            let open = core::mem::transmute::<*mut c_void, Open>(open);
            open(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
        }
    }
}
