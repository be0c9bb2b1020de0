//! The dynamic symbols of a mapped library, which the loader uses too.

use core::ffi::CStr;
use libc::Elf64_Sym;

/// A library's tables of symbols, names and hashes.
pub struct Symbols {
    base: usize,
    symbols: *const Elf64_Sym,
    names: *const u8,
    /// One of the two hash tables may be null.
    gnu_hash: *const u32,
    hash: *const u32,
}

impl Symbols {
    /// Returns the tables of the library at `base`; `None` if one is missing. `is_relocated` says that the loader has added
    /// `base` to the addresses in the dynamic section, which it does where it may write there.
    ///
    /// # Safety
    /// `dynamic` is the first entry of the library's dynamic section, and the library stays mapped.
    pub unsafe fn read(base: usize, dynamic: *const [usize; 2], is_relocated: bool) -> Option<Self> {
        const END: usize = 0;
        const HASH: usize = 4;
        const NAMES: usize = 5;
        const SYMBOLS: usize = 6;
        const GNU_HASH: usize = 0x6fff_fef5;
        let (mut symbols, mut names, mut hash, mut gnu_hash) = (0, 0, 0, 0);
        let mut entry = dynamic;
        loop {
            // SAFETY: the section ends with an entry of zeros.
            let [tag, value] = unsafe { *entry };
            let is_address = is_relocated && value >= base;
            let address = if is_address { value } else { base.wrapping_add(value) };
            match tag {
                END => break,
                HASH => hash = address,
                NAMES => names = address,
                SYMBOLS => symbols = address,
                GNU_HASH => gnu_hash = address,
                _ => {}
            }
            entry = entry.wrapping_add(1);
        }
        let is_whole = symbols != 0 && names != 0 && (hash, gnu_hash) != (0, 0);
        is_whole.then_some(Self {
            base,
            symbols: symbols as *const Elf64_Sym,
            names: names as *const u8,
            gnu_hash: gnu_hash as *const u32,
            hash: hash as *const u32,
        })
    }

    /// Returns the entry of a name that the library defines.
    pub fn find(&self, name: &CStr) -> Option<*const Elf64_Sym> {
        if self.gnu_hash.is_null() { self.find_in_all(name) } else { self.find_by_gnu_hash(name) }
    }

    /// Returns the address of a name that the library defines.
    pub fn address_of(&self, name: &CStr) -> Option<usize> {
        // SAFETY: an entry of the table of symbols.
        self.find(name).map(|symbol| self.base.wrapping_add(unsafe { (*symbol).st_value } as usize))
    }

    /// Searches the table that <https://sourceware.org/legacy-ml/binutils/2006-10/msg00377.html> describes.
    fn find_by_gnu_hash(&self, name: &CStr) -> Option<*const Elf64_Sym> {
        let hash = name.to_bytes().iter().fold(5381_u32, |hash, &byte| hash.wrapping_mul(33).wrapping_add(byte.into()));
        // SAFETY: the table's head: how many buckets, the first symbol that is in one, the words of the filter.
        let [buckets, first, filter, _] = unsafe { *self.gnu_hash.cast::<[u32; 4]>() };
        let bucket = hash.checked_rem(buckets)?;
        // SAFETY: behind the head and the filter, of 64-bit words, come the buckets, and behind them the chains.
        let (mut index, chains) = unsafe {
            let table = self.gnu_hash.add(4 + 2 * filter as usize);
            (table.add(bucket as usize).read(), table.add(buckets as usize))
        };
        while index >= first {
            // SAFETY: a chain has a hash for each symbol from the first one on; its last one is odd.
            let found = unsafe { chains.add((index - first) as usize).read() };
            let symbol = self.symbols.wrapping_add(index as usize);
            if found | 1 == hash | 1 && self.is(symbol, name) {
                return Some(symbol);
            }
            if found & 1 != 0 {
                break;
            }
            index += 1;
        }
        None
    }

    /// Searches all symbols. For libraries that have only the older table, which says how many symbols there are.
    fn find_in_all(&self, name: &CStr) -> Option<*const Elf64_Sym> {
        // SAFETY: the second word of the table.
        let count = unsafe { self.hash.add(1).read() } as usize;
        (0..count).map(|index| self.symbols.wrapping_add(index)).find(|&symbol| self.is(symbol, name))
    }

    /// Returns whether an entry defines this name.
    fn is(&self, symbol: *const Elf64_Sym, name: &CStr) -> bool {
        // SAFETY: an entry of the table of symbols, and its name, which ends with a zero.
        unsafe { (*symbol).st_shndx != 0 && CStr::from_ptr(self.names.add((*symbol).st_name as usize).cast()) == name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_table_is_enough() {
        let symbol = |name, section, value| Elf64_Sym {
            st_name: name,
            st_info: 0,
            st_other: 0,
            st_shndx: section,
            st_value: value,
            st_size: 0,
        };
        // The first entry is not a symbol; the second one is used here but not defined.
        let symbols = [symbol(0, 0, 0), symbol(1, 0, 7), symbol(6, 1, 0x40)];
        let names = b"\0here\0there\0";
        let hash = [1_u32, 3];
        let tables = Symbols {
            base: 0x1000,
            symbols: symbols.as_ptr(),
            names: names.as_ptr(),
            gnu_hash: core::ptr::null(),
            hash: hash.as_ptr(),
        };
        assert_eq!(tables.address_of(c"there"), Some(0x1040));
        assert_eq!((tables.find(c"here"), tables.find(c""), tables.find(c"ther")), (None, None, None));
    }
}
