//! The options themselves.

use crate::{Kind, Setting};

/// Every option, in the order of the documentation.
pub static OPTIONS: &[Setting] = &[
    Setting {
        name: "heap",
        kind: Kind::Choice(&["fast", "system"]),
        default: "fast",
        help: "Which heap serves the program: xalloc's own, or the next malloc in the process, passed through to.",
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
        help: "Makes the N-th request for memory from the kernel fail, to test what the program does then (0: none).",
        category: "Checks",
    },
    Setting {
        name: "verbose",
        kind: Kind::Switch,
        default: "false",
        help: "Prints one line at start-up: version, heap, process id.",
        category: "Messages",
    },
];
