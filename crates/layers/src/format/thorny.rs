//! What the forms are tested with.

use crate::composition::Composition;
use crate::words::Method;

/// A composition with every letter that some tool takes for its own.
pub(super) fn thorny() -> Composition {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let map = |pairs: &[(&str, &str)]| pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect();
    Composition {
        compiler: "gcc".into(),
        platform: "linux-x64".into(),
        build_type: "release".into(),
        allocator: Some("jemalloc".into()),
        method: Some(Method::LdPreload),
        compile_flags: words(&["-O2", "-fno-builtin", "-I/a b", "-frandom-seed=x"]),
        link_flags: words(&["-Wl,--push-state,--no-as-needed", "-Wl,--pop-state"]),
        defines: words(&["PLAIN", "TEXT=\"a 'b' #c $d; {e} \\\\ %f\""]),
        cmake_variables: map(&[
            ("CMAKE_C_COMPILER", "gcc"),
            ("CMAKE_CXX_COMPILER", "g++"),
            ("MY_TEXT", "a \"b\" ${c} [[d]] ]=] \\"),
        ]),
        runtime_environment: map(&[("LD_PRELOAD", "/lib/libm.so.6"), ("MY_VALUE", " $HOME #1 'x' \"y\";z \\")]),
        layers: words(&["base/gcc"]),
        ..Composition::default()
    }
}
