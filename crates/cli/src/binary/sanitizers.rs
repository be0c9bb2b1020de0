//! The compilers' sanitizers that bring a malloc of their own, and how a program shows that it was built with one.

use super::{Binary, Finding};

/// A sanitizer.
struct Sanitizer {
    code: &'static str,
    name: &'static str,
    option: &'static str,
    /// A function of its run-time library that instrumented code, or the run-time itself, always has.
    symbols: &'static [&'static str],
    /// How the names of its run-time library begin: gcc's, clang's.
    libraries: &'static [&'static str],
}

const SANITIZERS: &[Sanitizer] = &[
    Sanitizer {
        code: "address-sanitizer",
        name: "AddressSanitizer",
        option: "-fsanitize=address",
        symbols: &["__asan_init"],
        libraries: &["libasan.so", "libclang_rt.asan"],
    },
    Sanitizer {
        code: "thread-sanitizer",
        name: "ThreadSanitizer",
        option: "-fsanitize=thread",
        symbols: &["__tsan_init"],
        libraries: &["libtsan.so", "libclang_rt.tsan"],
    },
    Sanitizer {
        code: "memory-sanitizer",
        name: "MemorySanitizer",
        option: "-fsanitize=memory",
        symbols: &["__msan_init"],
        libraries: &["libclang_rt.msan"],
    },
    Sanitizer {
        code: "hwaddress-sanitizer",
        name: "HWAddressSanitizer",
        option: "-fsanitize=hwaddress",
        symbols: &["__hwasan_init"],
        libraries: &["libhwasan.so", "libclang_rt.hwasan"],
    },
    // Last: the others contain it.
    Sanitizer {
        code: "leak-sanitizer",
        name: "LeakSanitizer",
        option: "-fsanitize=leak",
        symbols: &["__lsan_init", "__lsan_do_leak_check"],
        libraries: &["liblsan.so", "libclang_rt.lsan"],
    },
];

/// The obstacle of a program that was built with a sanitizer.
pub fn find(binary: &Binary) -> Option<Finding> {
    let Sanitizer { code, name, option, .. } = SANITIZERS.iter().find(|sanitizer| sanitizer.is_in(binary))?;
    Some(Finding::obstacle(
        code,
        format!(
            "It was built with {name}, which replaces malloc with its own. If another malloc comes first, the program ends at once, or {name} finds nothing."
        ),
        format!("Build it without {option}."),
    ))
}

/// Whether a name is one that tells a sanitizer.
pub fn matters(name: &str) -> bool {
    SANITIZERS.iter().any(|sanitizer| sanitizer.symbols.contains(&name))
}

impl Sanitizer {
    fn is_in(&self, binary: &Binary) -> bool {
        let known = |name: &&str| binary.defines(name) || binary.imports.contains(*name);
        let needed = |library: &String| {
            let file = library.rsplit('/').next().unwrap_or(library);
            self.libraries.iter().any(|beginning| file.starts_with(beginning))
        };
        self.symbols.iter().any(known) || binary.needed.iter().any(needed)
    }
}
