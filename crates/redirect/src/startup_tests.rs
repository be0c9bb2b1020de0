use crate::startup::{Begin, Startup};
use crate::sync::AtomicUsize;

#[test]
fn runs_once_and_knows_itself() {
    let startup = Startup::around(AtomicUsize::new(0));
    assert!(!startup.is_ready());
    assert_eq!(startup.begin(16), Begin::Run);
    assert_eq!(startup.begin(16), Begin::Reentered);
    startup.finish();
    assert!(startup.is_ready());
    assert_eq!(startup.begin(16), Begin::Ready);
    assert_eq!(startup.begin(32), Begin::Ready);
}

#[test]
fn a_forked_child_starts_up_for_a_thread_that_is_gone() {
    let startup = Startup::around(AtomicUsize::new(0));
    startup.settle_after_fork(16);
    assert_eq!(startup.begin(32), Begin::Run);
    startup.settle_after_fork(32);
    assert_eq!(startup.begin(32), Begin::Reentered, "it goes on with its own");
    startup.settle_after_fork(16);
    assert_eq!(startup.begin(16), Begin::Run);
    startup.finish();
    startup.settle_after_fork(16);
    assert_eq!(startup.begin(16), Begin::Ready);
}
