//! Blocks that another allocator of the process made: freed, resized and measured as if nothing were special. And modules that
//! would have another allocator, but for us.

use libtest_mimic::{Arguments, Failed, Trial};
use std::time::Duration;
use xalloc_tests::{fixture, preloaded, succeed};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials: Vec<_> = ["deepbind", "dlmopen", "libc"]
        .into_iter()
        .map(|how| Trial::test(format!("blocks_of_a_{how}_module"), move || frees_blocks_of_a_module(how)))
        .collect();
    trials.push(Trial::test("deepbind_in_several_threads", deepbind_in_several_threads));
    libtest_mimic::run(&arguments, trials).exit();
}

fn frees_blocks_of_a_module(how: &str) -> Result<(), Failed> {
    let module = fixture("foreign_module.c", &["-shared", "-fPIC"]);
    let program = fixture("foreign.c", &[]);
    let output = succeed(preloaded(program, "").arg(how).arg(module), Duration::from_secs(60))?;
    if !output.stderr.is_empty() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(())
}

/// Each run is the first time for its process.
fn deepbind_in_several_threads() -> Result<(), Failed> {
    let module = fixture("foreign_module.c", &["-shared", "-fPIC"]);
    let program = fixture("deep_bind.cpp", &["-rdynamic"]);
    for _ in 0..50 {
        succeed(preloaded(&program, "").arg(&module), Duration::from_secs(60))?;
    }
    Ok(())
}
