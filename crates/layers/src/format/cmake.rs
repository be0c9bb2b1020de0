//! The format for CMake: `cmake --toolchain FILE`.

use super::word::{CROSS, is_cross, join};
use crate::composition::Composition;
use crate::error::Problem;

pub(super) fn render(composition: &Composition) -> Result<String, Problem> {
    let mut text = composition.title();
    text += &system(composition);
    for (name, value) in composition.cmake_variables.iter().filter(|(name, _)| !is_cross(name)) {
        text += &set(name, value);
    }
    // CMake quotes definitions for every generator itself, but not flags.
    for define in &composition.defines {
        text += &format!("add_compile_definitions({})\n", bracket(&list_item(define)));
    }
    let compile = join(&composition.compile_flags);
    for language in ["C", "CXX"] {
        text += &set(&format!("CMAKE_{language}_FLAGS_INIT"), &compile);
    }
    for target in ["EXE", "SHARED", "MODULE"] {
        text += &set(&format!("CMAKE_{target}_LINKER_FLAGS_INIT"), &join(&composition.link_flags));
    }
    text += "# For tests: set_tests_properties(NAME PROPERTIES ENVIRONMENT \"${XALLOC_RUNTIME_ENVIRONMENT}\")\n";
    Ok(text + &set("XALLOC_RUNTIME_ENVIRONMENT", &environment(composition)?))
}

/// Returns the runtime environment as a list. Between brackets CMake does not see the end of an item, and no escape before a
/// bracket makes it an ordinary character.
fn environment(composition: &Composition) -> Result<String, Problem> {
    let mut items = Vec::new();
    for (name, value) in &composition.runtime_environment {
        if value.matches('[').count() != value.matches(']').count() {
            return Err(Problem::OpenBracket { name: name.clone(), value: value.clone() });
        }
        items.push(list_item(&format!("{name}={value}")));
    }
    Ok(items.join(";"))
}

/// Returns `text` as one item of a list.
fn list_item(text: &str) -> String {
    text.replace(';', "\\;")
}

/// Returns the lines that set the platform. Empty if it is the machine that builds, because tests could not run otherwise.
fn system(composition: &Composition) -> String {
    let given: Vec<_> =
        CROSS.iter().filter_map(|(name, host)| Some((name, host, composition.cmake_variables.get(*name)?))).collect();
    if given.is_empty() {
        return String::new();
    }
    let differs: Vec<_> =
        given.iter().map(|(_, host, value)| format!("NOT {host} STREQUAL {}", bracket(value))).collect();
    let sets: String = given.iter().map(|(name, _, value)| format!("  {}", set(name, value))).collect();
    format!("if({})\n{sets}endif()\n", differs.join(" OR "))
}

fn set(name: &str, value: &str) -> String {
    format!("set({name} {})\n", bracket(value))
}

/// Returns a bracket argument, in which only its own end is special.
fn bracket(value: &str) -> String {
    // A ] at the end would become part of the closing bracket.
    let holds = |equals: &str| value.contains(&format!("]{equals}]")) || value.ends_with(&format!("]{equals}"));
    let mut equals = String::new();
    while holds(&equals) {
        equals.push('=');
    }
    format!("[{equals}[{value}]{equals}]")
}

#[cfg(test)]
mod tests {
    use super::super::thorny::thorny;
    use super::*;
    use std::path::Path;
    use std::process::Command;
    use xalloc_tests::has;

    const PROJECT: &str = "cmake_minimum_required(VERSION 3.15)\nproject(x C)\n\
        file(WRITE ${CMAKE_BINARY_DIR}/text \"${MY_TEXT}\")\n\
        file(WRITE ${CMAKE_BINARY_DIR}/cross \"${CMAKE_CROSSCOMPILING}\")\n\
        add_executable(program program.c)\nenable_testing()\n\
        add_test(NAME value COMMAND sh -c \"printf %s \\\"$MY_VALUE\\\" >value\")\n\
        set_tests_properties(value PROPERTIES ENVIRONMENT \"${XALLOC_RUNTIME_ENVIRONMENT}\")\n";
    const PROGRAM: &str = "#include <stdio.h>\nint main(void) { fputs(TEXT, stdout); return 0; }\n";

    /// CMake leaves a definition with a # out, and says so.
    fn without_hash() -> Composition {
        let mut composition = thorny();
        composition.defines[1] = composition.defines[1].replace("#c ", "");
        composition
    }

    fn run(command: &mut Command) -> Vec<u8> {
        let output = command.env_remove("LD_PRELOAD").output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}{}", String::from_utf8_lossy(&output.stdout));
        output.stdout
    }

    fn build(composition: &Composition, directory: &Path) {
        let write = |name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
        write("CMakeLists.txt", PROJECT);
        write("program.c", PROGRAM);
        write("toolchain.cmake", &render(composition).unwrap());
        let toolchain = format!("-DCMAKE_TOOLCHAIN_FILE={}/toolchain.cmake", directory.display());
        run(Command::new("cmake").args(["-S", ".", "-B", "build", &toolchain]).current_dir(directory));
        run(Command::new("cmake").args(["--build", "build"]).current_dir(directory));
    }

    #[test]
    fn cmake_reads_back_every_value() {
        if !has("cmake") {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let composition = without_hash();
        build(&composition, directory.path());
        let written = |name: &str| std::fs::read_to_string(directory.path().join("build").join(name)).unwrap();
        assert_eq!(written("text"), composition.cmake_variables["MY_TEXT"]);
        assert_eq!(written("cross"), "FALSE");
        let printed = run(&mut Command::new(directory.path().join("build/program")));
        assert_eq!(String::from_utf8(printed).unwrap(), "a 'b' $d; {e} \\ %f");
        run(Command::new("ctest").current_dir(directory.path().join("build")));
        assert_eq!(written("value"), composition.runtime_environment["MY_VALUE"]);
    }

    #[test]
    fn only_another_platform_is_cross_compiled_for() {
        let mut composition = without_hash();
        let system = [("CMAKE_SYSTEM_NAME", "Linux"), ("CMAKE_SYSTEM_PROCESSOR", "other")];
        composition.cmake_variables.extend(system.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(render(&composition).unwrap().contains(
            "if(NOT CMAKE_HOST_SYSTEM_NAME STREQUAL [[Linux]] OR NOT CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL [[other]])"
        ));
        if !has("cmake") {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        build(&composition, directory.path());
        assert_eq!(std::fs::read_to_string(directory.path().join("build/cross")).unwrap(), "TRUE");
    }

    #[test]
    fn a_bracket_alone_is_refused_where_it_would_take_in_what_follows() {
        let with = |value: &str| {
            let environment = [("MY_AAA", value), ("MY_VALUE", "x;y")];
            let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
            Composition { runtime_environment: environment.into(), ..without_hash() }
        };
        for value in ["a[b", "a]b", "[[]"] {
            let error = render(&with(value)).unwrap_err().to_string();
            assert!(error.contains(&format!("MY_AAA is '{value}'")), "{error}");
        }
        let composition = with("]a;b[ [c;d]");
        render(&composition).unwrap();
        if !has("cmake") {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        build(&composition, directory.path());
        run(Command::new("ctest").current_dir(directory.path().join("build")));
        assert_eq!(std::fs::read_to_string(directory.path().join("build/value")).unwrap(), "x;y");
    }

    #[test]
    fn brackets_are_long_enough() {
        assert_eq!(bracket("a]]b"), "[=[a]]b]=]");
        assert_eq!(bracket("a]"), "[=[a]]=]");
        assert_eq!(bracket("a]]]=]"), "[==[a]]]=]]==]");
    }
}
