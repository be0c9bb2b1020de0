//! Language runtimes with a heap of their own: much of the memory of such a program is not malloc's.

use super::{Binary, Finding};
use std::ffi::OsString;

/// A runtime, and the signs of it in a program.
struct Runtime {
    code: &'static str,
    /// Functions that the program defines for its extensions, or that the runtime's library defines for it.
    symbols: &'static [&'static str],
    /// The beginning of the names of functions that it defines for its extensions.
    beginning: Option<&'static str>,
    /// The beginnings of the names of the runtime's libraries.
    libraries: &'static [&'static str],
    /// Which memory is not malloc's.
    reason: &'static str,
    way_out: &'static str,
    /// The variable and the value that make it use malloc.
    switch: Option<(&'static str, &'static str)>,
}

const RUNTIMES: &[Runtime] = &[
    Runtime {
        code: "pymalloc",
        symbols: &["Py_BytesMain", "Py_Main", "PyObject_Malloc"],
        beginning: None,
        libraries: &["libpython2", "libpython3"],
        reason: "It is CPython, which takes objects of up to 512 bytes from memory of its own (pymalloc); only larger ones, and what C code allocates, are malloc's.",
        way_out: "PYTHONMALLOC=malloc makes it take all of them from malloc.",
        switch: Some(("PYTHONMALLOC", "malloc")),
    },
    Runtime {
        code: "v8-heap",
        symbols: &[],
        beginning: Some("_ZN2v8"),
        libraries: &["libnode.so", "libv8.so"],
        reason: "It has V8 (node), which keeps the objects of JavaScript in a heap of its own; buffers and what C++ code allocates are malloc's.",
        way_out: "xalloc doctor --run shows how much time is spent in malloc; --max-old-space-size limits V8's heap.",
        switch: None,
    },
    Runtime {
        code: "jvm-heap",
        symbols: &["JLI_Launch", "JNI_CreateJavaVM"],
        beginning: None,
        libraries: &["libjli.so", "libjvm.so"],
        reason: "It starts a Java virtual machine, whose objects live in a heap of its own (-Xmx); what the virtual machine itself and native libraries need is malloc's.",
        way_out: "xalloc doctor --run shows how much time is spent in malloc; -XX:NativeMemoryTracking=summary and jcmd show how much memory is.",
        switch: None,
    },
    Runtime {
        code: "zend-heap",
        symbols: &["_emalloc", "zend_mm_startup"],
        beginning: None,
        libraries: &["libphp"],
        reason: "It is PHP, which takes the memory of scripts from a heap of its own (Zend); only what outlives a request is malloc's.",
        way_out: "USE_ZEND_ALLOC=0 makes it take all memory from malloc.",
        switch: Some(("USE_ZEND_ALLOC", "0")),
    },
];

/// Returns the finding that much of the program's memory is not malloc's; `None` if it has no such runtime, or if the
/// environment makes the runtime use malloc.
pub fn find(binary: &Binary) -> Option<Finding> {
    let runtime = RUNTIMES.iter().find(|runtime| runtime.is_in(binary) && !runtime.is_switched())?;
    Some(Finding::note(runtime.code, runtime.reason, runtime.way_out))
}

impl Runtime {
    fn is_in(&self, binary: &Binary) -> bool {
        let known = |name: &&str| binary.exports.contains(*name) || binary.imports.contains(*name);
        let begins = |beginning: &str| binary.exports.iter().any(|name| name.starts_with(beginning));
        let needed = |library: &String| self.libraries.iter().any(|beginning| library.starts_with(beginning));
        self.symbols.iter().any(known) || self.beginning.is_some_and(begins) || binary.needed.iter().any(needed)
    }

    fn is_switched(&self) -> bool {
        self.switch.is_some_and(|(variable, value)| std::env::var_os(variable) == Some(OsString::from(value)))
    }
}
