//! What the library file shows to the loader: names, needs, flags.

use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionTable, Sym};
use object::{Endianness, Object, ObjectSymbol};
use std::collections::BTreeSet;
use xalloc_tests::{exports, library};

type Header = elf::FileHeader64<Endianness>;

fn data() -> Vec<u8> {
    std::fs::read(library()).expect("the library was built")
}

/// Calls `f` with the library's ELF header, byte order, sections and bytes.
fn with_sections<T>(f: impl FnOnce(Endianness, &SectionTable<'_, Header>, &[u8]) -> T) -> T {
    let data = data();
    let header = Header::parse(&*data).expect("an ELF file");
    let endian = header.endian().expect("known");
    f(endian, &header.sections(endian, &*data).expect("sections"), &data)
}

fn dynamic_names(defined: bool) -> BTreeSet<String> {
    let data = data();
    let file = object::File::parse(&*data).expect("an ELF file");
    file.dynamic_symbols()
        .filter(|symbol| symbol.is_undefined() != defined && !symbol.name().unwrap_or("").is_empty())
        .map(|symbol| symbol.name().expect("UTF-8").to_owned())
        .collect()
}

/// The values of the dynamic section's entries with this tag.
fn dynamic_values(tag: elf::DynamicTag) -> Vec<u64> {
    with_sections(|endian, sections, data| {
        let (entries, _) = sections.dynamic(endian, data).expect("readable").expect("a dynamic section");
        let wanted = entries.iter().filter(|entry| entry.d_tag(endian) == tag);
        wanted.map(|entry| entry.d_val(endian)).collect()
    })
}

#[test]
fn exports_exactly_the_list() {
    let listed: BTreeSet<String> = exports::names().into_iter().collect();
    assert_eq!(listed.len(), exports::names().len(), "a name is listed twice");
    assert_eq!(dynamic_names(true), listed);
}

#[test]
fn exports_have_no_version() {
    with_sections(|endian, sections, data| {
        let symbols = sections.symbols(endian, data, elf::SHT_DYNSYM).expect("symbols");
        let versions = sections.versions(endian, data).expect("readable").expect("imports have versions");
        for (index, symbol) in symbols.enumerate() {
            if symbol.st_shndx(endian) != elf::SHN_UNDEF {
                let version = versions.version_index(endian, index);
                assert!(version.is_global(), "symbol {} has a version", index.0);
            }
        }
    });
}

#[test]
fn needs_libc_and_the_loader_only() {
    let needed = dynamic_values(elf::DT_NEEDED);
    with_sections(|endian, sections, data| {
        let (_, strings) = sections.dynamic(endian, data).expect("readable").expect("a dynamic section");
        let strings = sections.strings(endian, data, strings).expect("strings");
        for offset in needed {
            let name = String::from_utf8_lossy(strings.get(offset as u32).expect("a string"));
            assert!(name.starts_with("libc.so") || name.starts_with("ld-linux"), "NEEDED {name}");
        }
    });
}

/// What an allocator must not use: itself by the public names, thread-local storage that allocates, unwinding, and
/// everything that would come with Rust's standard library.
#[test]
fn imports_nothing_that_allocates() {
    let undefined = dynamic_names(false);
    // Not `__cxa_atexit`: the constructor registers a report with it, if one is wanted.
    let forbidden = ["__tls_get_addr", "__cxa_thread_atexit_impl", "abort", "getenv", "mmap", "syscall"];
    for name in forbidden {
        assert!(!undefined.contains(name), "{name} is imported");
    }
    for name in &undefined {
        assert!(!name.starts_with("_Unwind") && !name.starts_with("pthread_mutex"), "{name} is imported");
        assert!(!exports::names().contains(name), "{name} is imported and exported");
    }
}

#[test]
fn is_loaded_as_it_must_be() {
    let flags = dynamic_values(elf::DT_FLAGS)[0];
    let flags_1 = dynamic_values(elf::DT_FLAGS_1)[0];
    assert_ne!(flags & elf::DF_STATIC_TLS.0, 0, "thread-local storage is not initial-exec");
    assert_ne!(flags & elf::DF_BIND_NOW.0, 0, "symbols are bound lazily");
    assert_ne!(flags_1 & elf::DF_1_INITFIRST.0, 0, "the constructor is not the first");
    assert_ne!(flags_1 & elf::DF_1_NODELETE.0, 0, "dlclose unloads the library");
}

#[test]
fn has_one_word_of_thread_local_storage() {
    let data = data();
    let header = Header::parse(&*data).expect("an ELF file");
    let endian = header.endian().expect("known");
    let segments = header.program_headers(endian, &*data).expect("segments");
    let sizes: Vec<u64> = segments
        .iter()
        .filter(|segment| segment.p_type(endian) == elf::PT_TLS)
        .map(|segment| segment.p_memsz(endian))
        .collect();
    assert_eq!(sizes, [8]);
}
