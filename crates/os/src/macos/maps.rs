//! The kind of memory at an address, from Mach.

use super::libsystem::{mach_task_self_, mach_vm_region};
use crate::place::Place;

/// VM_REGION_EXTENDED_INFO (mach/vm_region.h).
const EXTENDED_INFO: i32 = 13;
/// VM_MEMORY_STACK (mach/vm_statistics.h).
const STACK: u32 = 30;

/// `struct vm_region_extended_info`.
#[repr(C)]
#[derive(Default)]
struct ExtendedInfo {
    protection: i32,
    user_tag: u32,
    pages: [u32; 4],
    ref_count: u32,
    shadow_depth: u16,
    external_pager: u8,
    share_mode: u8,
    pages_reusable: u32,
}

/// Returns what is mapped at `address`. Slow, because it calls the kernel, so only for foreign and bad pointers.
pub fn describe(address: usize) -> Place {
    let (mut start, mut size, mut object) = (address as u64, 0, 0);
    let mut info = ExtendedInfo::default();
    let mut count = (size_of::<ExtendedInfo>() / size_of::<i32>()) as u32;
    // SAFETY: the kernel writes at most `count` words of `info`, and the three numbers.
    let result = unsafe {
        let info = (&raw mut info).cast();
        mach_vm_region(mach_task_self_, &mut start, &mut size, EXTENDED_INFO, info, &mut count, &mut object)
    };
    match info {
        // Mach returns the first mapping behind the address if there is none at it.
        _ if result != 0 || start > address as u64 => Place::Unmapped,
        ExtendedInfo { user_tag: STACK, .. } => Place::Stack,
        ExtendedInfo { external_pager: 0, .. } => Place::Anonymous,
        _ => Place::File,
    }
}
