//! The options themselves.

use crate::setting::{Kind, Setting};

/// The options, in the order of the documentation.
pub static OPTIONS: &[Setting] = &[
    Setting {
        name: "heap",
        kind: Kind::Choice(&["fast", "system"]),
        default: "fast",
        help: "Which heap serves the program: `fast` is xalloc's own, `system` passes every call to the next malloc in the process.",
        category: "Heap",
    },
    Setting {
        name: "profile",
        kind: Kind::Choice(&["speed", "lean"]),
        default: "speed",
        help: "Lean keeps less: fewer free blocks for each thread, no empty slabs, `purge_ms:100`, `thp:never`.",
        category: "Heap",
    },
    Setting {
        name: "purge_ms",
        kind: Kind::Count,
        default: "1000",
        help: "How long unused memory stays: half of this many milliseconds at least, all of them at most.",
        category: "Heap",
    },
    Setting {
        name: "thp",
        kind: Kind::Choice(&["default", "never", "always"]),
        default: "default",
        help: "When huge pages are asked for: `default` is for memory that the program is seen to fill (slabs of small blocks beyond 32 MiB, blocks from 4 MiB that grow), `never` is never, `always` is for all large blocks and slabs.",
        category: "Heap",
    },
    Setting {
        name: "background_thread",
        kind: Kind::Switch,
        default: "false",
        help: "Linux: a thread of xalloc's own purges memory in a process that does nothing any more.",
        category: "Heap",
    },
    Setting {
        name: "invalid",
        kind: Kind::Choice(&["abort", "report"]),
        default: "abort",
        help: "What happens to a pointer that cannot be freed: one line and SIGABRT, or one line and the program goes on.",
        category: "Checks",
    },
    Setting {
        name: "fail_mapping",
        kind: Kind::Count,
        default: "0",
        help: "Makes the N-th request for memory from the kernel fail, to test what the program does then (0: none); `verbose:true` says when.",
        category: "Checks",
    },
    Setting {
        name: "stats",
        kind: Kind::Destination,
        default: "false",
        help: "Prints what the heap holds when the process ends, on stderr or to a file (`%p`: process id, `%e`: program); with `heap:system`, counts of the calls that passed through.",
        category: "Messages",
    },
    Setting {
        name: "verbose",
        kind: Kind::Switch,
        default: "false",
        help: "Prints one line at start-up: version, heap, program, process id; and one when `fail_mapping` makes a request fail.",
        category: "Messages",
    },
];
