//! The clock of the vDSO, code of the kernel in every process that reads the time without a system call. Libc's clock is this
//! one, so a filter of system calls that was written for libc need not allow `clock_gettime`.

use super::symbols::Symbols;
use super::{arch, process};
use core::ffi::CStr;
use core::sync::atomic::{AtomicUsize, Ordering};
use libc::{Elf64_Ehdr, Elf64_Phdr};

/// The type of the vDSO's `clock_gettime`. It returns 0 or a negative error number, and leaves errno alone.
pub type ReadClock = unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> i32;

/// Returns the vDSO's `clock_gettime`; `None` if the kernel maps no vDSO.
pub fn clock() -> Option<ReadClock> {
    const NOT_LOOKED_FOR: usize = 0;
    const NONE: usize = 1;
    static ADDRESS: AtomicUsize = AtomicUsize::new(NOT_LOOKED_FOR);
    // Relaxed, twice: every thread would store the same address of code.
    let mut address = ADDRESS.load(Ordering::Relaxed);
    if address == NOT_LOOKED_FOR {
        let image = process::auxiliary(libc::AT_SYSINFO_EHDR);
        // SAFETY: where the kernel says, it has mapped its image.
        let found = if image == 0 { None } else { unsafe { find(image, arch::VDSO_CLOCK) } };
        address = found.unwrap_or(NONE);
        ADDRESS.store(address, Ordering::Relaxed);
    }
    // SAFETY: the kernel's documentation declares the function of this name so.
    (address != NONE).then(|| unsafe { core::mem::transmute::<usize, ReadClock>(address) })
}

/// Returns the address of what a library defines under `name`. Ignores versions: the vDSO has each name once.
///
/// # Safety
/// A whole library, with its header, is mapped at `image` for ever, and has not been relocated.
unsafe fn find(image: usize, name: &CStr) -> Option<usize> {
    // SAFETY: the library's header says where its segments are described, and those where its dynamic section is.
    let symbols = unsafe {
        let header = &*(image as *const Elf64_Ehdr);
        let segments = (image + header.e_phoff as usize) as *const Elf64_Phdr;
        let segments = core::slice::from_raw_parts(segments, header.e_phnum.into());
        let first = segments.iter().find(|segment| segment.p_type == libc::PT_LOAD)?;
        let base = image.wrapping_add(first.p_offset as usize).wrapping_sub(first.p_vaddr as usize);
        let dynamic = segments.iter().find(|segment| segment.p_type == libc::PT_DYNAMIC)?;
        Symbols::read(base, base.wrapping_add(dynamic.p_vaddr as usize) as *const [usize; 2], false)?
    };
    symbols.address_of(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_clock_and_nothing_else() {
        let image = process::auxiliary(libc::AT_SYSINFO_EHDR);
        assert_ne!(image, 0, "this kernel has a vDSO");
        // SAFETY: the kernel's image.
        let find = |name| unsafe { find(image, name) };
        let clock = find(arch::VDSO_CLOCK).expect("it has a clock");
        assert!((image..image + (64 << 10)).contains(&clock));
        assert_eq!(super::clock().map(|clock| clock as usize), Some(clock));
        assert_eq!(find(c"clock_gettim"), None);
        assert_eq!(find(c""), None);
    }

    #[test]
    fn it_is_the_kernels_time() {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let clock = clock().expect("this kernel has a vDSO");
        // SAFETY: one timespec is written.
        assert_eq!(unsafe { clock(libc::CLOCK_MONOTONIC, &mut time) }, 0);
        let nanoseconds = |time: libc::timespec| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
        let before = nanoseconds(time);
        let after = nanoseconds(super::super::syscall::clock_get_time(libc::CLOCK_MONOTONIC));
        assert!(before != 0 && before <= after, "{before} {after}");
    }
}
