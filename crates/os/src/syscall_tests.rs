use crate::syscall;
use std::io::{Write, pipe};
use std::os::fd::AsRawFd;
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_signal: i32) {
    // Relaxed: only the number matters.
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn a_signal_does_not_end_a_read() {
    // SAFETY: zeros are a valid sigaction, here one without SA_RESTART; the handler only counts.
    unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        action.sa_sigaction = count as *const () as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, core::ptr::null_mut()), 0);
    }
    let (source, mut sink) = pipe().unwrap();
    let reader = thread::spawn(move || {
        let mut buffer = [0; 4];
        syscall::read(source.as_raw_fd(), &mut buffer).map(|count| buffer[..count].to_vec())
    });
    // Relaxed: see `count`.
    while SIGNALS.load(Ordering::Relaxed) < 20 && !reader.is_finished() {
        // SAFETY: the thread is not joined yet.
        assert_eq!(unsafe { libc::pthread_kill(reader.as_pthread_t(), libc::SIGUSR1) }, 0);
        thread::sleep(Duration::from_millis(1));
    }
    sink.write_all(b"ab").unwrap();
    assert_eq!(reader.join().unwrap(), Ok(b"ab".to_vec()));
}
