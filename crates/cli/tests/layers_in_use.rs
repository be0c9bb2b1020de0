//! Compositions in use: what they say is given to a compiler and a loader, and a program shows that it holds.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

const LAYER: &str = "\
type: allocator
name: ours
description: A library that says that it is there.
integration_methods: [link, ld_preload]
link:
  flags:
    linux: ['-L{{library}}', '-Wl,-rpath,{{library}}', '-Wl,--push-state,--no-as-needed', -lours, '-Wl,--pop-state']
ld_preload:
  files: {linux: [libnosuch.so, libours.so]}
platforms: {linux: {default_method: link}}
options:
  text: {description: What it says., variable: OURS_TEXT}
";
/// It counts as an allocator, because it defines malloc and free; what they do is libc's.
const LIBRARY: &str = "#include <stdio.h>\n#include <stdlib.h>\n\
    void *__libc_malloc(size_t); void __libc_free(void *);\n\
    void *malloc(size_t size) { return __libc_malloc(size); }\n\
    void free(void *block) { __libc_free(block); }\n\
    __attribute__((constructor)) static void begin(void) { puts(getenv(\"OURS_TEXT\")); fflush(stdout); }\n";
const PROGRAM: &str = "int main(void) { return 0; }\n";

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("can be made");
    std::fs::write(path, text).expect("can be written");
}

/// What `script` prints, in `root`, with this command on the path.
fn sh(root: &Path, script: &str) -> String {
    let command = Path::new(env!("CARGO_BIN_EXE_xalloc")).parent().expect("a directory");
    let path = format!("{}:{}", command.display(), std::env::var("PATH").expect("a path"));
    let mut shell = Command::new("sh");
    shell.args(["-euc", script]).current_dir(root).env("PATH", path).env("XDG_CONFIG_HOME", "/nonexistent");
    let output = shell.env("LD_LIBRARY_PATH", root).env_remove("LD_PRELOAD").output().expect("sh starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A directory with the layer, its library, a program, and toolchain files for both methods.
fn project() -> tempfile::TempDir {
    let root = xalloc_tests::preloadable();
    write(root.path(), ".xalloc/layers/allocator/ours.yaml", LAYER);
    write(root.path(), "ours.c", LIBRARY);
    write(root.path(), "program.c", PROGRAM);
    let platform = if cfg!(target_arch = "aarch64") { "linux-arm64" } else { "linux-x64" };
    for method in ["link", "ld_preload"] {
        let text = format!(
            "layers:\n  - base/gcc\n  - platform/{platform}\n  - buildtype/release\n  \
             - {{type: allocator, name: ours, method: {method}, options: {{text: \"it's $HERE\"}}}}\n\
             variables: {{library: '{}'}}\n",
            root.path().display()
        );
        write(root.path(), &format!("{method}.yaml"), &text);
    }
    sh(root.path(), "cc -shared -fPIC -o libours.so ours.c");
    root
}

#[test]
fn a_linked_allocator_is_in_the_program() {
    let root = project();
    let script = "eval \"$(xalloc layers compose -f link.yaml --format sh)\"\n\
                  $CC $CPPFLAGS $CFLAGS $LDFLAGS -o program program.c\nunset LD_LIBRARY_PATH\n./program";
    assert_eq!(sh(root.path(), script), "it's $HERE\n");
}

#[test]
fn a_preloaded_allocator_is_found_and_loaded() {
    let root = project();
    let script = "cc -o program program.c\neval \"$(xalloc layers compose -f ld_preload.yaml --format sh)\"\n./program";
    assert_eq!(sh(root.path(), script), "it's $HERE\n");
}

#[test]
fn make_builds_and_runs_with_it() {
    let root = project();
    write(root.path(), "Makefile", "include toolchain.mk\nrun: program\n\t@./program\n");
    let script = "xalloc layers compose -f link.yaml --format make -o toolchain.mk\nmake -s run";
    assert_eq!(sh(root.path(), script), "it's $HERE\n");
}
