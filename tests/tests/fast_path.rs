//! The hit paths of malloc and free, in the machine code that users run: no call, no lock, and so many instructions.

#![cfg(target_arch = "x86_64")]

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpAccess, OpKind};
use object::{Object, ObjectSection, ObjectSymbol};
use std::collections::{HashMap, VecDeque};
use xalloc_tests::library;

/// The most instructions from a function's first to its `ret` when everything is at hand. A change that raises a number
/// here must say why.
/// malloc finds the class of sizes to 1024 without a branch, which costs six instructions and saves a wrong guess every
/// other time in programs that mix sizes below and above 512 (larson: half the time).
const GOLDEN: [(&str, usize); 4] = [("malloc", 19), ("free", 22), ("_Znwm", 19), ("_ZdlPv", 22)];

/// The machine code from the function's address on, and that address.
fn code(name: &str) -> (Vec<u8>, u64) {
    let data = std::fs::read(library()).expect("the library was built");
    let file = object::File::parse(&*data).expect("an ELF file");
    let symbol = file.dynamic_symbols().find(|symbol| symbol.name() == Ok(name)).expect(name);
    let text = file.section_by_name(".text").expect("code");
    let start = (symbol.address() - text.address()) as usize;
    (text.data().expect("readable")[start..][..1024].to_vec(), symbol.address())
}

/// The shortest way from the first instruction to a `ret` that looks into the thread's cache: the hit path, because every
/// way through a slow path ends in a jump to another function, which is not followed.
fn hit_path(name: &str) -> Vec<Instruction> {
    let (code, address) = code(name);
    let decode = |ip: u64| {
        let mut decoder = Decoder::with_ip(64, &code[(ip - address) as usize..], ip, DecoderOptions::NONE);
        decoder.decode()
    };
    let inside = |ip: u64| (address..address + code.len() as u64 - 16).contains(&ip);
    // A place is an instruction, and whether the cache was looked at on the way to it.
    let mut came_from = HashMap::from([((address, false), None)]);
    let mut queue = VecDeque::from([(address, false)]);
    while let Some((ip, looked)) = queue.pop_front() {
        let instruction = decode(ip);
        let looks = looked || instruction.memory_segment() == iced_x86::Register::FS;
        let next = match instruction.flow_control() {
            FlowControl::Return if looks => {
                let mut path: Vec<_> = std::iter::successors(Some((ip, looked)), |place| came_from[place]).collect();
                path.reverse();
                return path.into_iter().map(|(ip, _)| decode(ip)).collect();
            }
            FlowControl::UnconditionalBranch => vec![instruction.near_branch_target()],
            FlowControl::ConditionalBranch => vec![instruction.next_ip(), instruction.near_branch_target()],
            FlowControl::IndirectBranch | FlowControl::Exception | FlowControl::Return => vec![],
            _ => vec![instruction.next_ip()],
        };
        for target in next.into_iter().filter(|&target| inside(target)) {
            came_from.entry((target, looks)).or_insert_with(|| {
                queue.push_back((target, looks));
                Some((ip, looked))
            });
        }
    }
    panic!("{name} never returns within 1 KiB");
}

fn is_atomic(instruction: &Instruction) -> bool {
    let exchanges = instruction.mnemonic() == iced_x86::Mnemonic::Xchg
        && (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory);
    instruction.has_lock_prefix() || exchanges
}

#[test]
fn hit_paths_are_short_and_call_nothing() {
    for (name, most) in GOLDEN {
        let path = hit_path(name);
        println!("{name}: {} instructions", path.len());
        for instruction in &path {
            let calls = matches!(instruction.flow_control(), FlowControl::Call | FlowControl::IndirectCall);
            assert!(!calls, "{name} calls: {instruction}");
            assert!(!is_atomic(instruction), "{name} locks: {instruction}");
        }
        assert!(path.len() <= most, "{name}: {} instructions, at most {most}", path.len());
    }
}

#[test]
fn malloc_reads_the_tls_word_once_and_writes_twice() {
    let path = hit_path("malloc");
    let tls = path.iter().filter(|instruction| instruction.memory_segment() == iced_x86::Register::FS).count();
    assert_eq!(tls, 1);
    let mut factory = iced_x86::InstructionInfoFactory::new();
    let writes = path
        .iter()
        .filter(|instruction| {
            let info = factory.info(instruction);
            info.used_memory().iter().any(|memory| {
                matches!(memory.access(), OpAccess::Write | OpAccess::ReadWrite)
                    && memory.base() != iced_x86::Register::RSP
            })
        })
        .count();
    assert_eq!(writes, 2, "the head and the room of the bin");
}
