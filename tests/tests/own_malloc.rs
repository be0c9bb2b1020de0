//! Programs that bring a malloc of their own, or some of C++'s operators: what they did not replace comes to what they did, as
//! without the library.

use std::time::Duration;
use xalloc_tests::{fixture, plain, preloaded, succeed};

fn runs_the_same(source: &str, flags: &[&str]) {
    let program = fixture(source, flags);
    for (mut command, on) in [
        (plain(&program), "glibc"),
        (preloaded(&program, ""), "xalloc"),
        (preloaded(&program, "heap:system"), "heap:system"),
    ] {
        let output = succeed(&mut command, Duration::from_secs(60)).unwrap_or_else(|error| panic!("{on}: {error}"));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n", "{on}");
    }
}

#[test]
fn what_libc_has_besides_comes_to_the_programs_malloc() {
    runs_the_same("own_malloc.c", &[]);
}

#[test]
fn operators_that_are_not_replaced_call_those_that_are() {
    for replaced in [&[][..], &["-DPLAIN"], &["-DALIGNED"], &["-DARRAYS"], &["-DPLAIN", "-DALIGNED", "-DARRAYS"]] {
        runs_the_same("own_operators.cpp", &[&["-std=c++17"], replaced].concat());
    }
}
