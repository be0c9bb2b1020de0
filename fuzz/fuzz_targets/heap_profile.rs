//! The reader of heap profiles: whatever it takes for one can be written and is read again.
#![no_main]

use xalloc_profile::{read, write};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(profile) = read(bytes) else { return };
    let again = read(write::heap_v2(&profile).as_bytes()).expect("it was written by us");
    assert_eq!((again.interval, again.stacks), (profile.interval, profile.stacks.clone()));
    let older = read(write::gperftools(&profile).as_bytes()).expect("it was written by us");
    assert!(older.stacks.iter().eq(profile.stacks.iter().filter(|stack| !stack.addresses.is_empty())));
});
