//! AArch64: jumps to functions of the C++ runtime, of libc and of other libraries, which leave no frame of ours behind.

/// The body of [`jump_if_null`](super::jump_if_null).
macro_rules! jump_if_null {
    () => {
        core::arch::naked_asm!(
            ".cfi_startproc",
            "stp x29, x30, [sp, #-48]!",
            ".cfi_adjust_cfa_offset 48",
            ".cfi_rel_offset x29, 0",
            ".cfi_rel_offset x30, 8",
            "stp x0, x1, [sp, #16]",
            "stp x2, x4, [sp, #32]",
            "blr x3",
            "cbnz x0, 2f",
            "ldp x0, x9, [sp, #32]",
            "blr x9",
            "mov x16, x0",
            "ldp x0, x1, [sp, #16]",
            "ldp x29, x30, [sp], #48",
            ".cfi_remember_state",
            ".cfi_adjust_cfa_offset -48",
            ".cfi_restore x29",
            ".cfi_restore x30",
            "br x16",
            "2:",
            ".cfi_restore_state",
            "ldp x29, x30, [sp], #48",
            ".cfi_adjust_cfa_offset -48",
            "ret",
            ".cfi_endproc",
        )
    };
}
pub(super) use jump_if_null;

/// The body of a naked function that jumps to `$name`. See the x86-64 version.
#[macro_export]
macro_rules! jump_to_symbol {
    ($name:literal) => {
        core::arch::naked_asm!(
            concat!("adrp x16, :got:", $name),
            concat!("ldr x16, [x16, :got_lo12:", $name, "]"),
            "br x16",
        )
    };
}

/// The body of a naked function that calls `$before`, then jumps. See the x86-64 version.
#[macro_export]
macro_rules! jump_after {
    ($before:path) => {
        core::arch::naked_asm!(
            ".cfi_startproc",
            "stp x29, x30, [sp, #-48]!",
            ".cfi_adjust_cfa_offset 48",
            ".cfi_rel_offset x29, 0",
            ".cfi_rel_offset x30, 8",
            "stp x0, x1, [sp, #16]",
            "str x2, [sp, #32]",
            "bl {before}",
            "mov x16, x0",
            "ldp x0, x1, [sp, #16]",
            "ldr x2, [sp, #32]",
            "ldp x29, x30, [sp], #48",
            ".cfi_adjust_cfa_offset -48",
            ".cfi_restore x29",
            ".cfi_restore x30",
            "br x16",
            ".cfi_endproc",
            before = sym $before,
        )
    };
}
