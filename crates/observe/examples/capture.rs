//! What a stack of 16 frames costs: `cargo run --release --package xalloc-observe --example capture`.

use std::ffi::c_void;
use std::hint::black_box;
use std::time::Instant;
use xalloc_observe::unwind;

const FRAMES: usize = 16;
const CAPTURES: usize = 20_000;

fn main() {
    #[cfg(target_os = "linux")]
    use_loader();
    Four::<Four<Four<Four<Measured>>>>::call();
}

/// Has the loader's function used, if the C library has it.
#[cfg(target_os = "linux")]
#[allow(clippy::disallowed_methods, reason = "that list is for the library")]
fn use_loader() {
    // SAFETY: a look-up, and the type that the function of this name has.
    unsafe {
        let find = libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr());
        unwind::set_finder(std::mem::transmute::<*mut c_void, Option<unwind::FindObject>>(find));
    }
    unwind::MODULES.refresh();
}

/// What is called by a function of its own.
trait Call {
    fn call();
}

/// Calls the other: each type of this kind has a function that is not another one's, so that each frame has a row of its own.
struct Above<T>(T);

impl<T: Call> Call for Above<T> {
    #[inline(never)]
    fn call() {
        T::call();
        black_box(());
    }
}

struct Measured;

impl Call for Measured {
    #[inline(never)]
    fn call() {
        println!("{FRAMES} frames, cached: {} ns (median)", median(|| {}));
        #[cfg(target_os = "linux")]
        println!("{FRAMES} frames, not cached: {} ns (median)", median(unwind::invalidate));
    }
}

type Four<T> = Above<Above<Above<Above<T>>>>;

/// Returns the median of the nanoseconds that a capture takes, each after `before`.
fn median(mut before: impl FnMut()) -> u128 {
    let mut frames = [0; FRAMES];
    let mut times: Vec<u128> = (0..CAPTURES)
        .map(|_| {
            before();
            let start = Instant::now();
            let count = black_box(unwind::capture(black_box(&mut frames), 0));
            let time = start.elapsed().as_nanos();
            assert_eq!(count, FRAMES, "{:?}", unwind::stats());
            time
        })
        .collect();
    times.sort_unstable();
    let clock = clock();
    times[CAPTURES / 2].saturating_sub(clock)
}

/// Returns the median of the nanoseconds that reading the clock takes.
fn clock() -> u128 {
    let mut times: Vec<u128> = (0..CAPTURES).map(|_| Instant::now().elapsed().as_nanos()).collect();
    times.sort_unstable();
    times[CAPTURES / 2]
}
