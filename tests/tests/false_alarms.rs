//! A correct program of which the heap must never complain, whatever its blocks hold, and in which no block has two owners.

use std::time::Duration;
use xalloc_tests::{fixture, plain, preloaded, succeed};

const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn nobody_is_accused() {
    let program = fixture("false_alarms.cpp", &[]);
    succeed(plain(&program).arg("2000"), LIMIT).unwrap_or_else(|error| panic!("{error}"));
    for conf in ["", "invalid:report", "profile:lean", "purge_ms:0"] {
        let output = succeed(preloaded(&program, conf).arg("100000"), LIMIT).unwrap_or_else(|error| panic!("{error}"));
        assert!(output.stderr.is_empty(), "{conf}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
