//! A list of the process's modules, for C libraries without `_dl_find_object`: musl, and glibc before 2.35.

use super::cfi::Module;
use super::sequence::Sequence;
use crate::sync::{AtomicUsize, Ordering};
use core::ffi::{c_int, c_void};
use core::ops::Range;
use libc::{Elf64_Phdr, dl_phdr_info};
use xalloc_os::Lock;

/// How many segments of code the list has room for. What is more is not found, as code of no module.
const PLACES: usize = 1024;

/// A module as words: its code, its tables, its header.
type Words = [usize; 5];

/// A list that is made anew when modules come or go, and read at any moment by any thread.
pub struct Modules {
    /// Held while the list is made.
    lock: Lock,
    sequence: Sequence,
    count: AtomicUsize,
    /// Sorted by address. Zeros until it is used, so that it takes no memory before.
    places: [[AtomicUsize; 5]; PLACES],
}

/// The list of this process.
pub static MODULES: Modules = Modules::new();

impl Modules {
    /// Returns an empty list.
    const fn new() -> Self {
        Self {
            lock: Lock::new(),
            sequence: Sequence::around(AtomicUsize::new(0)),
            count: AtomicUsize::new(0),
            places: [const { [const { AtomicUsize::new(0) }; 5] }; PLACES],
        }
    }

    /// Makes the list anew. To be called at start, and after each `dlopen` and `dlclose`; never from inside malloc, because it
    /// takes the loader's lock.
    pub fn refresh(&self) {
        let _guard = self.lock.lock();
        self.sequence.write(|| {
            // Relaxed, here and below: the sequence orders the words.
            self.count.store(0, Ordering::Relaxed);
            // SAFETY: the function is for this list, which outlives the call.
            unsafe { libc::dl_iterate_phdr(Some(add), (&raw const *self).cast_mut().cast()) };
        });
    }

    /// Returns the module that has code at `at`. `None` also while the list is being made.
    pub fn find(&self, at: usize) -> Option<Module> {
        let [code_start, code_end, start, end, header] = self.sequence.read(|| self.search(at))??;
        // SAFETY: a module of the loader's list, as it was when the list was made. The caller has code in it, so it is still
        // loaded.
        let module = unsafe { Module::new(code_start..code_end, start..end, header) };
        module.code().contains(&at).then_some(module)
    }

    /// Returns the words of the last module not behind `at`.
    fn search(&self, at: usize) -> Option<Words> {
        let count = self.count.load(Ordering::Relaxed).min(PLACES);
        let behind = self.places[..count].partition_point(|place| place[0].load(Ordering::Relaxed) <= at);
        Some(self.load(behind.checked_sub(1)?))
    }

    /// Inserts a module where it belongs. The caller writes the list.
    fn insert(&self, module: &Module) {
        let count = self.count.load(Ordering::Relaxed);
        if count == PLACES {
            return;
        }
        let Range { start, end } = module.code().clone();
        let mut place = count;
        while place > 0 && self.places[place - 1][0].load(Ordering::Relaxed) > start {
            self.store(place, self.load(place - 1));
            place -= 1;
        }
        self.store(place, [start, end, module.tables().start, module.tables().end, module.header()]);
        self.count.store(count + 1, Ordering::Relaxed);
    }

    fn load(&self, place: usize) -> Words {
        self.places[place].each_ref().map(|word| word.load(Ordering::Relaxed))
    }

    fn store(&self, place: usize, words: Words) {
        for (word, value) in self.places[place].iter().zip(words) {
            word.store(value, Ordering::Relaxed);
        }
    }
}

/// Adds the modules of one file to the list.
unsafe extern "C" fn add(info: *mut dl_phdr_info, _size: usize, list: *mut c_void) -> c_int {
    // SAFETY: what `dl_iterate_phdr` passes on, and the list of `refresh`.
    let (info, list) = unsafe { (&*info, &*list.cast::<Modules>()) };
    // SAFETY: the loader's own list of a file's segments, as long as that is loaded.
    let headers: &[Elf64_Phdr] = unsafe { core::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    // SAFETY: the loader's description of a file that it holds its lock for.
    unsafe { Module::all(info.dlpi_addr as usize, headers) }.for_each(|module| list.insert(&module));
    0
}
