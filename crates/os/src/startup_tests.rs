use crate::startup::{Begin, Startup};

#[test]
fn runs_once_and_knows_itself() {
    let startup = Startup::new();
    assert!(!startup.is_ready());
    assert_eq!(startup.begin(16), Begin::Run);
    assert_eq!(startup.begin(16), Begin::Reentered);
    startup.finish();
    assert!(startup.is_ready());
    assert_eq!(startup.begin(16), Begin::Ready);
    assert_eq!(startup.begin(32), Begin::Ready);
}
