//! x86-64: jumps to functions of the C++ runtime, of libc and of other libraries, which leave no frame of ours behind.

/// The body of [`jump_if_null`](super::jump_if_null).
macro_rules! jump_if_null {
    () => {
        core::arch::naked_asm!(
            ".cfi_startproc",
            // Five words keep the arguments and leave the stack 16-byte aligned at the calls.
            "push rdi",
            "push rsi",
            "push rdx",
            "push r8",
            "sub rsp, 8",
            ".cfi_adjust_cfa_offset 40",
            "call rcx",
            "test rax, rax",
            "jne 2f",
            "mov rdi, qword ptr [rsp + 16]",
            "call qword ptr [rsp + 8]",
            "mov rsi, qword ptr [rsp + 24]",
            "mov rdi, qword ptr [rsp + 32]",
            "add rsp, 40",
            ".cfi_remember_state",
            ".cfi_adjust_cfa_offset -40",
            "jmp rax",
            "2:",
            ".cfi_restore_state",
            "add rsp, 40",
            ".cfi_adjust_cfa_offset -40",
            "ret",
            ".cfi_endproc",
        )
    };
}
pub(super) use jump_if_null;

/// The body of a naked function that jumps to `$name` with its own arguments: to the definition of that name that the loader
/// prefers, which may not be ours.
#[macro_export]
macro_rules! jump_to_symbol {
    ($name:literal) => {
        core::arch::naked_asm!(concat!("jmp qword ptr [rip + ", $name, "@GOTPCREL]"))
    };
}

/// The body of a naked function of up to three arguments that calls `$before` with its first one, and then jumps, with all its
/// arguments, to the function that it returns. The caller stays the caller: where a call comes from matters to the loader.
#[macro_export]
macro_rules! jump_after {
    ($before:path) => {
        core::arch::naked_asm!(
            ".cfi_startproc",
            // Three words keep the arguments and leave the stack 16-byte aligned at the call.
            "push rdi",
            "push rsi",
            "push rdx",
            ".cfi_adjust_cfa_offset 24",
            "call {before}",
            "pop rdx",
            "pop rsi",
            "pop rdi",
            ".cfi_adjust_cfa_offset -24",
            "jmp rax",
            ".cfi_endproc",
            before = sym $before,
        )
    };
}
