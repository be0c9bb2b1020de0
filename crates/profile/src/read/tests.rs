//! Files that are whole, and files that are broken in every way.

use super::{Problem, read};
use crate::{Counts, Profile, Stack};

const WHOLE: &str = "heap_v2/524288
  t*: 10: 5000 [20: 9000]
  t0: 10: 5000 [20: 9000] main
@ 0x55f0000010a0 0x55f000001001
  t*: 3: 300 [7: 700]
  t0: 3: 300 [7: 700]
@
  t*: 1: 1 [0: 0]

MAPPED_LIBRARIES:
55f000000000-55f000001000 r--p 00000000 fe:00 4711                       /srv/a server
55f000001000-55f000002000 r-xp 00001000 fe:00 4711                       /srv/a server
7f0000000000-7f0000001000 rw-p 00000000 00:00 0 
build-id 0a1bff /srv/a server
";

const OLDER: &str = "heap profile:     53:    38236 [  5525:  1284029] @ heap_v2/524288
     3:  300 [     7:  700] @ 0x55f0000010a0 0x55f000001001
     0:  0 [     1:  1] @ 0x1

MAPPED_LIBRARIES:
";

fn stack(addresses: &[u64], counts: [i64; 4]) -> Stack {
    let [live_objects, live_bytes, allocated_objects, allocated_bytes] = counts;
    let counts = Counts { live_objects, live_bytes, allocated_objects, allocated_bytes };
    Stack { addresses: addresses.to_vec(), counts }
}

fn profile(text: &str) -> Profile {
    read(text.as_bytes()).unwrap_or_else(|problem| panic!("{problem}: {text}"))
}

fn problem(text: &str) -> String {
    read(text.as_bytes()).expect_err(text).to_string()
}

#[test]
fn jemallocs_text_has_stacks_and_mappings() {
    let profile = profile(WHOLE);
    assert_eq!(profile.interval, 524288);
    let first = stack(&[0x55f0000010a0, 0x55f000001001], [3, 300, 7, 700]);
    assert_eq!(profile.stacks, [first, stack(&[], [1, 1, 0, 0])]);
    assert_eq!(profile.mappings.len(), 3);
    let code = &profile.mappings[profile.mapping_of(0x55f0000010a0).expect("mapped")];
    assert_eq!((code.name().as_str(), code.is_code(), code.file_offset(0x55f0000010a0)), ("a server", true, 0x10a0));
    assert_eq!(code.build_id.as_deref(), Some(&[0x0a, 0x1b, 0xff][..]));
    assert_eq!(profile.mapping_of(0x55f000002000), None);
    assert_eq!(profile.mappings[2].name(), "[anon]");
}

#[test]
fn the_older_text_has_the_same() {
    let profile = profile(OLDER);
    let first = stack(&[0x55f0000010a0, 0x55f000001001], [3, 300, 7, 700]);
    assert_eq!((profile.interval, profile.stacks), (524288, vec![first, stack(&[1], [0, 0, 1, 1])]));
    assert_eq!(self::profile(&OLDER.replace("heap_v2/524288", "heapprofile")).interval, 0);
}

#[test]
fn a_mistake_is_told_with_its_line() {
    let cases = [
        (WHOLE.replace("524288", "-1"), "line 1: 'heap_v2/-1' has no number of bytes between samples"),
        (
            WHOLE.replace("3: 300 [", "3: 99999999999999999999 ["),
            "line 5: 't*: 3: 99999999999999999999 [7: 700]' is neither",
        ),
        (WHOLE.replace("3: 300 [", "9223372036854775808: 300 ["), "line 5: 't*: 9223372036854775808: "),
        (WHOLE.replace("3: 300 [7: 700]", "3: 300"), "line 5: 't*: 3: 300' is neither a stack nor its counts"),
        (WHOLE.replace("3: 300 [", "3: -300 ["), "line 5: "),
        (WHOLE.replace("@ 0x55f0000010a0", "@ 0x155f0000010a0000ff"), "line 4: '@ 0x155f0000010a0000ff "),
        (WHOLE.replace("@ 0x55f0000010a0", "@ 55f0000010a0"), "line 4: '@ 55f0000010a0 "),
        (WHOLE.replace("@\n", "@\n@ 0x1\n"), "line 8: the stack above it has no counts"),
        (WHOLE.replace("  t*: 1: 1 [0: 0]\n", ""), "line 9: the stack above it has no counts"),
        (
            WHOLE.replace("55f000001000-55f000002000", "55f000001000-55f000001000"),
            "line 12: '55f000001000-55f000001000 r-xp",
        ),
        (WHOLE.replace("55f000001000-55f", "55f000000800-55f"), "line 12: the mapping begins before the end"),
        (WHOLE.replace("0a1bff", "0a1bf"), "line 14: 'build-id 0a1bf /srv/a server' is no build-id"),
        (OLDER.replace("heap_v2/524288", "growthz"), "line 1: 'growthz' is no sampling that is known"),
        (OLDER.replace("[     7:", "      7:"), "line 2: "),
        (
            "heap_v2/1\n\x01\x02\u{fffd}".to_owned(),
            "line 2: '\\x01\\x02\\xef\\xbf\\xbd' is neither a stack nor its counts",
        ),
    ];
    for (text, beginning) in cases {
        let problem = problem(&text);
        assert!(problem.starts_with(beginning), "{problem}\ninstead of\n{beginning}");
        assert!(problem.ends_with("; let the program write it again") && problem.len() < 200, "{problem}");
    }
}

#[test]
fn what_is_no_profile_is_named() {
    assert_eq!(read(b""), Err(Problem::Empty));
    assert_eq!(read(b"\x7fELF\x02"), Err(Problem::Foreign));
    assert_eq!(read(b"heap_v3/1\n"), Err(Problem::Foreign));
    assert_eq!(read(&[0x1f, 0x8b, 8, 0]), Err(Problem::Compressed));
}

/// Wherever a file is cut off, and whatever a byte of it becomes, the reader returns. Cut off before the mappings, that is told.
#[test]
fn no_broken_file_is_taken_for_a_whole_one() {
    for whole in [WHOLE, OLDER] {
        let mappings = whole.find("MAPPED_LIBRARIES:").expect("there") + "MAPPED_LIBRARIES:".len();
        for end in 0..mappings {
            assert!(read(&whole.as_bytes()[..end]).is_err(), "cut off at {end}");
        }
        for end in mappings..whole.len() {
            let _ = read(&whole.as_bytes()[..end]);
        }
        for at in 0..whole.len() {
            for byte in [0, b'\n', b'0', b'@', b':', b'[', b'-', b' ', 0x80, 0xff] {
                let mut bytes = whole.as_bytes().to_vec();
                bytes[at] = byte;
                let _ = read(&bytes);
            }
        }
    }
}
