//! The built-in layers: the files in `builtin/`, which are compiled into the program.

use crate::words::Kind;

macro_rules! layers {
    ($($kind:ident in $folder:literal: $($name:literal)+;)+) => {
        &[$($((Kind::$kind, $name, include_str!(concat!("../builtin/", $folder, "/", $name, ".yaml")))),+),+]
    };
}

/// The type, the name and the source of each built-in layer.
pub(crate) const BUILTIN: &[(Kind, &str, &str)] = layers! {
    Base in "base":
        "clang" "clang-14" "clang-15" "clang-16" "clang-17" "clang-18" "clang-19" "clang-20"
        "gcc" "gcc-11" "gcc-12" "gcc-13" "gcc-14" "gcc-15";
    Platform in "platform": "linux-x64" "linux-arm64" "macos-x64" "macos-arm64" "windows-x64";
    Buildtype in "buildtype": "debug" "release" "relwithdebinfo" "minsizerel";
    Stdlib in "stdlib": "libstdc++" "libc++";
    Sanitizer in "sanitizer": "address" "thread" "memory" "undefined";
    Allocator in "allocator":
        "system" "xalloc" "jemalloc" "tcmalloc" "mimalloc" "tbbmalloc" "snmalloc" "hoard" "nedmalloc";
};

/// Returns the source of a built-in layer.
pub(crate) fn source(kind: Kind, name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(its_kind, its_name, _)| (*its_kind, *its_name) == (kind, name)).map(|(_, _, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;
    use strum::VariantArray;

    #[test]
    fn every_file_is_in_the_list() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("builtin");
        let mut files = BTreeSet::new();
        for kind in Kind::VARIANTS {
            for entry in std::fs::read_dir(folder.join(kind.to_string())).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                files.insert(format!("{kind}/{}", name.strip_suffix(".yaml").expect("only layers lie there")));
            }
        }
        let listed: BTreeSet<_> = BUILTIN.iter().map(|(kind, name, _)| format!("{kind}/{name}")).collect();
        assert_eq!(files, listed);
    }
}
