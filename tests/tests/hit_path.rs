//! The hit paths of malloc and free, in the machine code that users run: no call, no lock, and so many instructions.

#![cfg(target_arch = "x86_64")]

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpAccess, OpKind};
use object::{Object, ObjectSection, ObjectSymbol};
use std::collections::{HashMap, VecDeque};
use xalloc_tests::library;

/// The most instructions from a function's first to its `ret` when everything is cached (calloc: to memset's first). A
/// change that raises a number here must say why.
///
/// Of them, five in malloc and nine in free notice misuse: docs/security.md says what each is for.
const GOLDEN: [(&str, usize); 5] = [("malloc", 18), ("free", 30), ("calloc", 23), ("_Znwm", 18), ("_ZdlPv", 30)];

/// The machine code from the function's address on, and that address.
fn code(name: &str) -> (Vec<u8>, u64) {
    let data = std::fs::read(library()).expect("the library was built");
    let file = object::File::parse(&*data).expect("an ELF file");
    let symbol = file.dynamic_symbols().find(|symbol| symbol.name() == Ok(name)).expect(name);
    let text = file.section_by_name(".text").expect("code");
    let start = (symbol.address() - text.address()) as usize;
    (text.data().expect("readable")[start..][..1024].to_vec(), symbol.address())
}

/// The shortest way from the first instruction to an end that looks into the thread's cache and then writes to memory: the
/// hit path, because every way through a slow path ends in a jump to another function before it changes anything.
fn hit_path(name: &str) -> Vec<Instruction> {
    let (code, address) = code(name);
    let decode = |ip: u64| {
        let mut decoder = Decoder::with_ip(64, &code[(ip - address) as usize..], ip, DecoderOptions::NONE);
        decoder.decode()
    };
    let inside = |ip: u64| (address..address + code.len() as u64 - 16).contains(&ip);
    // A place is an instruction, and how far its way has come.
    let mut came_from = HashMap::from([((address, Stage::Begun), None)]);
    let mut queue = VecDeque::from([(address, Stage::Begun)]);
    while let Some((ip, stage)) = queue.pop_front() {
        let instruction = decode(ip);
        let stage_after = stage.after(&instruction);
        let next = match instruction.flow_control() {
            // An indirect jump goes through the table of imports: to memset, the only one that a hit path ends with.
            FlowControl::Return | FlowControl::IndirectBranch if stage_after == Stage::Wrote => {
                let mut path: Vec<_> = std::iter::successors(Some((ip, stage)), |place| came_from[place]).collect();
                path.reverse();
                return path.into_iter().map(|(ip, _)| decode(ip)).collect();
            }
            FlowControl::UnconditionalBranch => vec![instruction.near_branch_target()],
            FlowControl::ConditionalBranch => vec![instruction.next_ip(), instruction.near_branch_target()],
            FlowControl::IndirectBranch | FlowControl::Exception | FlowControl::Return => vec![],
            _ => vec![instruction.next_ip()],
        };
        for target in next.into_iter().filter(|&target| inside(target)) {
            came_from.entry((target, stage_after)).or_insert_with(|| {
                queue.push_back((target, stage_after));
                Some((ip, stage))
            });
        }
    }
    panic!("{name} never returns within 1 KiB");
}

/// How far a way through a function has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    Begun,
    LookedIntoCache,
    Wrote,
}

impl Stage {
    fn after(self, instruction: &Instruction) -> Self {
        match self {
            Self::Begun if instruction.memory_segment() == iced_x86::Register::FS => Self::LookedIntoCache,
            Self::LookedIntoCache if writes_memory(instruction) => Self::Wrote,
            stage => stage,
        }
    }
}

/// Returns whether the instruction writes to memory that is not the stack's.
fn writes_memory(instruction: &Instruction) -> bool {
    let mut factory = iced_x86::InstructionInfoFactory::new();
    factory.info(instruction).used_memory().iter().any(|memory| {
        matches!(memory.access(), OpAccess::Write | OpAccess::ReadWrite) && memory.base() != iced_x86::Register::RSP
    })
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
fn malloc_reads_the_tls_word_once_and_writes_three_times() {
    let path = hit_path("malloc");
    let tls = path.iter().filter(|instruction| instruction.memory_segment() == iced_x86::Register::FS).count();
    assert_eq!(tls, 1);
    let writes = path.iter().filter(|instruction| writes_memory(instruction)).count();
    assert_eq!(writes, 3, "the head and the room of the bin, and the mark of a free block");
}

/// One instruction, through the table of imports: the loader decides whose operator it is.
#[test]
fn operators_that_call_another_one_jump_there() {
    for name in ["_Znam", "_ZnamSt11align_val_t", "_ZdaPv", "_ZdlPvm", "_ZdaPvm", "_ZdaPvSt11align_val_t"] {
        let (code, address) = code(name);
        let first = Decoder::with_ip(64, &code, address, DecoderOptions::NONE).decode();
        assert!(
            first.flow_control() == FlowControl::IndirectBranch && first.is_ip_rel_memory_operand(),
            "{name}: {first}"
        );
    }
}
