//! What is written as text is read again; whatever was read can be written.

use super::{gperftools, heap_v2};
use crate::{Counts, Mapping, Profile, Stack, read};

fn mapping(start: u64, path: &str, build_id: Option<Vec<u8>>) -> Mapping {
    Mapping {
        start,
        end: start + 0x1000,
        rights: "r-xp".into(),
        offset: 0x2000,
        device: "fe:00".into(),
        inode: 4711,
        path: path.into(),
        build_id,
    }
}

fn stack(addresses: &[u64], live_objects: i64) -> Stack {
    let counts = Counts { live_objects, live_bytes: 10, allocated_objects: i64::MAX, allocated_bytes: i64::MAX };
    Stack { addresses: addresses.to_vec(), counts }
}

fn profile() -> Profile {
    Profile {
        interval: 524288,
        stacks: vec![stack(&[0x401000, 0x402000], 3), stack(&[], 0), stack(&[u64::MAX], i64::MAX)],
        mappings: vec![
            mapping(0x401000, "/srv/a server", Some(vec![0, 0x1f, 0xff])),
            mapping(0x402000, "/srv/a server", Some(vec![0, 0x1f, 0xff])),
            mapping(0x403000, "", None),
            mapping(0x7fff_ffff_0000, "[vdso]", None),
        ],
    }
}

#[test]
fn heap_v2_has_everything() {
    assert_eq!(read(heap_v2(&profile()).as_bytes()), Ok(profile()));
}

#[test]
fn gperftools_has_all_stacks_with_addresses() {
    let mut expected = profile();
    expected.stacks.remove(1);
    assert_eq!(read(gperftools(&profile()).as_bytes()), Ok(expected.clone()));
    expected.interval = 0;
    assert_eq!(read(gperftools(&expected).as_bytes()), Ok(expected));
}

/// The quick version of fuzz/fuzz_targets/heap_profile.rs: pieces of lines in any order.
#[test]
fn whatever_is_read_can_be_written() {
    let pieces: [&str; 16] = [
        "heap_v2/1\n",
        "heap profile: 1: 1 [1: 1] @ heapprofile\n",
        "@ 0x1 0xffffffffffffffff\n",
        "@\n",
        "@ 0x0\n",
        "  t*: 1: 2 [3: 4]\n",
        "  t*: 9223372036854775807: 9223372036854775807 [0: 0]\n",
        "  t7: 1: 1 [0: 0] name\n",
        "1: 2 [3: 4] @ 0x5\n",
        "\n",
        "\r\n",
        "MAPPED_LIBRARIES:\n",
        "1000-2000 r-xp 0 a:b 7 /x y\n",
        "3000-ffffffffffffffff ? 0 0 0\n",
        "build-id 00ff /x y\n",
        "\0",
    ];
    let mut random = 7_u64;
    let mut readable = 0;
    for round in 0..20_000 {
        let mut text = String::new();
        for place in 0..=round % 6 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let choice = (random >> 33) as usize;
            text += pieces[if place == 0 { choice % 2 } else { choice % pieces.len() }];
        }
        let Ok(profile) = read(format!("{text}MAPPED_LIBRARIES:\n").as_bytes()) else { continue };
        readable += 1;
        assert_eq!(read(heap_v2(&profile).as_bytes()).expect(&text).stacks, profile.stacks, "{text}");
        let with_addresses = profile.stacks.iter().filter(|stack| !stack.addresses.is_empty()).count();
        assert_eq!(read(gperftools(&profile).as_bytes()).expect(&text).stacks.len(), with_addresses, "{text}");
    }
    assert!(readable > 1000, "only {readable} were profiles");
}
