//! Stacks of this process: frames of C without frame pointers, of Rust, below signal handlers, in threads and coroutines. Each
//! is compared with what the C++ runtime's unwinder says (`_Unwind_Backtrace`), frame by frame.

#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![allow(clippy::disallowed_methods, reason = "that list is for the library")]

use std::ffi::{CStr, CString, c_int, c_void};
use std::mem::{MaybeUninit, transmute};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock};
use xalloc_observe::unwind::{self, FindObject, Reason, Stats};

type Callback = unsafe extern "C" fn(*mut c_void);

const DEPTH: usize = 100;

/// The two stacks of one place.
#[derive(Default)]
struct Stacks {
    ours: Vec<usize>,
    theirs: Vec<usize>,
}

unsafe extern "C" {
    fn _Unwind_Backtrace(trace: extern "C" fn(*mut c_void, *mut c_void) -> c_int, argument: *mut c_void) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
}

extern "C" fn add_theirs(context: *mut c_void, stacks: *mut c_void) -> c_int {
    // SAFETY: the runtime's context, and the stacks that are passed below.
    unsafe {
        match _Unwind_GetIP(context) {
            // Behind the outermost frame.
            0 => {}
            address => (*stacks.cast::<Stacks>()).theirs.push(address),
        }
    }
    0
}

/// Captures both stacks. Inlined, so that both begin in the caller.
#[inline(always)]
fn capture_both(stacks: &mut Stacks) {
    let mut frames = [0; DEPTH];
    let count = unwind::capture(&mut frames, 0);
    stacks.ours = frames[..count].to_vec();
    // SAFETY: the stacks outlive the call.
    unsafe { _Unwind_Backtrace(add_theirs, (&raw mut *stacks).cast()) };
}

unsafe extern "C" fn capture_here(stacks: *mut c_void) {
    // SAFETY: `call` passes stacks of its own.
    capture_both(unsafe { &mut *stacks.cast() });
}

/// Returns a function of the fixture.
fn fixture(name: &str) -> *mut c_void {
    static LIBRARY: OnceLock<usize> = OnceLock::new();
    let library = *LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/frames.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("frames-{}.so", std::process::id()));
        let flags = ["-O2", "-fomit-frame-pointer", "-shared", "-fPIC", "-fno-optimize-sibling-calls", "-o"];
        // What stands before `gcc` in the name of another machine's compiler, as for the tests of the library.
        let compiler = std::env::var("XALLOC_TEST_COMPILERS").map_or("cc".to_owned(), |prefix| prefix + "gcc");
        let status = Command::new(&compiler).args(flags).arg(&library).arg(&source).status().expect("it starts");
        assert!(status.success(), "{compiler} failed on {}", source.display());
        let path = CString::new(library.as_os_str().as_encoded_bytes()).expect("a path");
        // SAFETY: a library that this test has made, opened lazily, so that first calls go through the loader.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_LAZY) };
        std::fs::remove_file(&library).expect("it was there");
        assert!(!handle.is_null(), "cannot be opened");
        handle as usize
    });
    let name = CString::new(name).expect("a name");
    // SAFETY: a look-up.
    let function = unsafe { libc::dlsym(library as *mut c_void, name.as_ptr()) };
    assert!(!function.is_null(), "{name:?}");
    function
}

/// The tests compare counters before and after, so only one runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    unwind::MODULES.refresh();
    use_loader();
    guard
}

/// Has the loader's function used, if the C library has it.
fn use_loader() {
    // SAFETY: a look-up, and the type that the function of this name has.
    unsafe {
        let find = libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr());
        unwind::set_finder(transmute::<*mut c_void, Option<FindObject>>(find));
    }
}

/// Calls a function of the fixture that captures both stacks below it.
#[inline(never)]
fn call(name: &str) -> Stacks {
    // SAFETY: the fixture's functions have this type.
    let function = unsafe { transmute::<*mut c_void, extern "C" fn(Callback, *mut c_void)>(fixture(name)) };
    let mut stacks = Stacks::default();
    let before = unwind::stats();
    function(capture_here, (&raw mut stacks).cast());
    ended_cleanly(&before, &stacks);
    stacks
}

/// Asserts that no walk ended early since then.
fn ended_cleanly(before: &Stats, stacks: &Stacks) {
    let now = unwind::stats();
    for reason in Reason::ALL {
        assert_eq!(now.ended(reason), before.ended(reason), "{}: {:x?}", reason.text(), stacks.ours);
    }
}

/// The name of the exported function that has this address.
fn name(address: usize) -> String {
    let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: fills in what is found; names live as long as their library.
    unsafe {
        libc::dladdr((address - 1) as *const c_void, found.as_mut_ptr());
        let found = found.assume_init();
        if found.dli_sname.is_null() { String::new() } else { CStr::from_ptr(found.dli_sname).to_string_lossy().into() }
    }
}

fn names(frames: &[usize]) -> Vec<String> {
    frames.iter().map(|&frame| name(frame)).filter(|name| name.starts_with("frames_")).collect()
}

/// Asserts that both stacks are the same but for the innermost frame, in which they were captured.
fn are_equal(stacks: &Stacks) {
    assert!(stacks.ours.len() > 3, "{:x?}", stacks.ours);
    assert_eq!(stacks.ours[1..], stacks.theirs[1..], "{:x?}", stacks.theirs);
}

#[test]
fn frames_of_c_without_frame_pointers() {
    let _alone = alone();
    // The second time, all rows are cached.
    for _ in 0..2 {
        let stacks = call("frames_outer");
        are_equal(&stacks);
        assert_eq!(names(&stacks.ours), ["frames_plain", "frames_variable", "frames_aligned", "frames_outer"]);
    }
}

#[test]
fn cached_rows_are_used_until_modules_change() {
    let _alone = alone();
    let rows = [false, false, true].map(|change| {
        if change {
            unwind::invalidate();
        }
        are_equal(&call("frames_outer"));
        unwind::stats().rows_read
    });
    // Two frames may need the same place of the cache, where a process has its modules at such addresses.
    assert!(rows[1] - rows[0] <= 4, "{rows:?}");
    assert!(rows[2] - rows[1] >= 12, "{rows:?}");
}

#[test]
fn frames_are_found_without_the_loaders_function_too() {
    let _alone = alone();
    fixture("frames_outer");
    unwind::MODULES.refresh();
    unwind::invalidate();
    // SAFETY: no function at all.
    unsafe { unwind::set_finder(None) };
    let stacks = call("frames_outer");
    are_equal(&stacks);
    assert_eq!(names(&stacks.ours).len(), 4);
}

#[test]
fn below_a_function_that_libc_calls() {
    let _alone = alone();
    let stacks = call("frames_sort");
    are_equal(&stacks);
    let names: Vec<String> = stacks.ours.iter().map(|&frame| name(frame)).collect();
    let sorted = names.iter().position(|name| name.starts_with("qsort"));
    assert!(sorted.is_some_and(|at| names[at + 1..].iter().any(|name| name == "frames_sort")), "{names:?}");
}

#[test]
fn below_a_frame_that_is_too_large_for_the_cache() {
    let _alone = alone();
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(|| {
        for _ in 0..2 {
            let stacks = call("frames_large");
            are_equal(&stacks);
            assert_eq!(names(&stacks.ours), ["frames_plain", "frames_large"]);
        }
    });
    thread.expect("a thread").join().expect("it does not panic");
}

#[test]
fn threads_share_the_cache_while_it_is_invalidated() {
    let _alone = alone();
    let capturing = || {
        for _ in 0..300 {
            are_equal(&call("frames_outer"));
            are_equal(&call("frames_sort"));
        }
    };
    // The fixture has a place for one that sorts at a time.
    std::thread::scope(|scope| {
        let threads = [scope.spawn(|| (0..300).for_each(|_| are_equal(&call("frames_outer")))), scope.spawn(capturing)];
        while threads.iter().any(|thread| !thread.is_finished()) {
            unwind::invalidate();
            unwind::MODULES.refresh();
        }
    });
}

#[test]
fn in_a_signal_handler_with_its_own_stack() {
    if std::env::var_os("XALLOC_TEST_EMULATOR").is_some() {
        eprintln!("skipped: what a signal handler returns to is in no module of an emulated program");
        return;
    }
    let _alone = alone();
    let stacks = call("frames_signal");
    are_equal(&stacks);
    assert_eq!(names(&stacks.ours), ["frames_signal"]);
    // The interrupted instruction itself: no call is before it.
    assert!(stacks.ours.contains(&(fixture("frames_interrupted") as usize)), "{:x?}", stacks.ours);
}

#[test]
fn in_a_thread_to_its_end() {
    let _alone = alone();
    for _ in 0..3 {
        std::thread::spawn(|| are_equal(&call("frames_outer"))).join().expect("it does not panic");
    }
}

#[test]
fn in_a_coroutine_to_its_end() {
    let _alone = alone();
    let stacks = call("frames_coroutine");
    are_equal(&stacks);
    assert_eq!(names(&stacks.ours), ["frames_plain"]);
    std::thread::spawn(|| are_equal(&call("frames_coroutine"))).join().expect("it does not panic");
}

#[test]
fn frames_at_the_beginning_are_left_out() {
    let _alone = alone();
    let mut all = [0; DEPTH];
    let count = unwind::capture(&mut all, 0);
    let mut some = [0; DEPTH];
    assert_eq!(unwind::capture(&mut some, 2), count - 2);
    assert_eq!(some[..count - 2], all[2..count]);
    // No more than there is room for.
    let mut few = [0; 3];
    assert_eq!(unwind::capture(&mut few, 1), 3);
    assert_eq!(few, all[1..4]);
    assert_eq!(unwind::capture(&mut [], 0), 0);
    // The place of the call, which is the same both times.
    let (mut own, mut before) = (0..0, Vec::new());
    for _ in 0..2 {
        let count = unwind::capture_outside(&mut some, own);
        own = some[0]..some[0] + 1;
        before = [before, vec![some[..count].to_vec()]].concat();
    }
    assert_eq!(before[1], before[0][1..]);
    // It is left out at the beginning only.
    let count = unwind::capture_outside(&mut some, all[2]..all[2] + 1);
    assert_eq!(some[1..count], before[1]);
}

#[repr(C)]
struct Smash {
    count: usize,
    words: [usize; 64],
}

/// A key has the number of the last change in a few bits, which come again.
#[test]
fn rows_are_right_however_often_modules_change() {
    let _alone = alone();
    for changes in 1..300 {
        (0..changes).for_each(|_| unwind::invalidate());
        let before = unwind::stats().rows_read;
        are_equal(&call("frames_outer"));
        assert!(unwind::stats().rows_read - before >= 12);
    }
}

/// Frames that were overwritten end the walk.
#[test]
fn a_smashed_stack_is_survived() {
    let _alone = alone();
    // SAFETY: the fixture's function has this type.
    let smash = unsafe {
        transmute::<*mut c_void, extern "C" fn(Callback, *mut c_void, *const Smash)>(fixture("frames_smash"))
    };
    let code = fixture("frames_aligned") as usize + 20;
    let stack = (&raw const code) as usize;
    let mut random = 0x2545_f491_4f6c_dd1d_usize;
    for round in 0..20_000 {
        let mut word = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            match (round + random % 5) % 8 {
                0 => random,
                1 => code + random % 64,
                2 => stack.wrapping_add(random % 0x100_0000),
                3 => stack.wrapping_sub(random % 0x100_0000) & !7,
                4 => 0,
                5 => usize::MAX - random % 64,
                6 => (libc::qsort as *const () as usize) + random % 4096,
                _ => stack + 8 * (random % 512),
            }
        };
        let words = core::array::from_fn(|_| word());
        let mut frames = Stacks::default();
        unsafe extern "C" fn capture_ours(stacks: *mut c_void) {
            let mut frames = [0; DEPTH];
            let count = unwind::capture(&mut frames, 0);
            // SAFETY: the test passes stacks of its own.
            unsafe { (*stacks.cast::<Stacks>()).ours = frames[..count].to_vec() };
        }
        smash(capture_ours, (&raw mut frames).cast(), &Smash { count: 64, words });
        assert!(frames.ours.len() >= 2);
    }
}
