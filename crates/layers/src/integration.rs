//! How the allocator gets into the program: linked, preloaded, or preloaded behind libxalloc.

use crate::allocator::Allocator;
use crate::catalogue::Catalogue;
use crate::composition::Composition;
use crate::error::{Error, Problem};
use crate::spec::LayerSpec;
use crate::stack::Stack;
use crate::variables::Variables;
use crate::words::{Method, System};
use std::env::consts::{ARCH, OS};
use std::path::{Path, PathBuf};

/// The type of a function that finds an allocator's library on this machine.
pub(crate) type Resolver<'a> = Box<dyn Fn(&Allocator) -> Option<PathBuf> + 'a>;

/// Adds the stack's allocator to the composition, if it has one.
pub(crate) fn add(
    composition: &mut Composition,
    stack: &Stack,
    catalogue: &Catalogue,
    variables: &Variables,
    resolver: &Resolver<'_>,
) -> Result<(), Error> {
    let Some((spec, allocator, file)) = stack.allocator() else { return Ok(()) };
    let at_spec = |problem| spec.error(problem);
    let method = choose(spec, allocator, stack.system()).map_err(at_spec)?;
    composition.allocator = Some(allocator.name.clone());
    composition.method = Some(method);
    match method {
        Method::Link => {
            for flag in allocator.link.flags.get(&stack.system()).into_iter().flatten() {
                composition.link_flags.push(variables.fill(flag, file)?);
            }
        }
        Method::LdPreload => preload(composition, stack, &[allocator], resolver).map_err(at_spec)?,
        Method::Proxy => {
            let own = catalogue.allocator("xalloc")?;
            supported(&own, stack.system()).map_err(at_spec)?;
            preload(composition, stack, &[&own, allocator], resolver).map_err(at_spec)?;
            own.set(&mut composition.runtime_environment, "XALLOC_CONF".into(), "heap:system");
        }
        Method::None | Method::Auto => {}
    }
    if matches!(method, Method::LdPreload | Method::Proxy) {
        for (name, value) in &allocator.ld_preload.environment {
            let value = variables.fill(value, file)?;
            allocator.set(&mut composition.runtime_environment, name.clone(), &value);
        }
    }
    let settings = spec.options.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in allocator.environment(settings).map_err(at_spec)? {
        allocator.set(&mut composition.runtime_environment, name, &value);
    }
    Ok(())
}

/// Returns the method that `spec` asks for, if the allocator has it on `system`.
fn choose(spec: &LayerSpec, allocator: &Allocator, system: System) -> Result<Method, Problem> {
    // The C library's malloc accepts every method, so that it can take the place of any allocator.
    if allocator.is_system() {
        return Ok(Method::None);
    }
    let default_method = supported(allocator, system)?;
    match spec.method.unwrap_or(Method::Auto) {
        Method::Auto => Ok(default_method),
        Method::LdPreload if system.preload_variable().is_none() => Err(Problem::NoPreloadOnWindows),
        Method::Proxy if system != System::Linux => Err(Problem::NoProxy { system: system.to_string() }),
        method if allocator.offers(method) => Ok(method),
        method => Err(allocator.not_offered(method)),
    }
}

/// Returns the allocator's default method on `system`, if it runs there.
fn supported(allocator: &Allocator, system: System) -> Result<Method, Problem> {
    let support = allocator.platforms.get(&system);
    match support.filter(|support| support.supported).and_then(|support| support.default_method) {
        Some(method) => Ok(method),
        None => Err(Problem::UnsupportedSystem {
            layer: allocator.layer_name(),
            system: system.to_string(),
            notes: support.and_then(|support| support.notes.clone()).unwrap_or_default(),
        }),
    }
}

/// Puts the libraries of `allocators` before those that the layers preload already.
fn preload(
    composition: &mut Composition,
    stack: &Stack,
    allocators: &[&Allocator],
    resolver: &Resolver<'_>,
) -> Result<(), Problem> {
    let system = stack.system();
    let variable = system.preload_variable().ok_or(Problem::NoPreloadOnWindows)?;
    let platform = stack.platform();
    let is_here = system.to_string() == OS && platform.processor.as_deref() == Some(ARCH);
    let mut libraries = Vec::new();
    for allocator in allocators {
        if let Some(path) = is_here.then(|| resolver(allocator)).flatten() {
            libraries.push(checked(&path)?);
            continue;
        }
        let name = allocator.preload_files(system).first().ok_or_else(|| allocator.not_offered(Method::LdPreload))?;
        let why = if is_here { "was not found" } else { "was not looked for: the platform is another machine's" };
        composition.warnings.push(format!(
            "the library of {} {why}; {variable} has the bare name {name}, which the loader looks up when the program starts",
            allocator.layer_name(),
        ));
        libraries.push(name.clone());
    }
    libraries.extend(composition.runtime_environment.remove(variable));
    composition.runtime_environment.insert(variable.to_owned(), libraries.join(":"));
    Ok(())
}

/// Returns the path as an entry of the loader's list, if a composition can hold it.
fn checked(path: &Path) -> Result<String, Problem> {
    match path.to_str() {
        Some(text) if is_preloadable(path) => Ok(text.to_owned()),
        _ => Err(Problem::NotPreloadable { path: path.display().to_string() }),
    }
}

/// Returns whether the loader's list of libraries to preload can hold the path. Loaders split the list at colons and spaces,
/// and replace what follows a dollar sign. musl's splits it at line breaks too, which neither a shell nor a toolchain file
/// could hold.
pub fn is_preloadable(path: &Path) -> bool {
    let is_special = |byte: &u8| matches!(byte, b' ' | b':' | b'$') || byte.is_ascii_control();
    !path.as_os_str().as_encoded_bytes().iter().any(is_special)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_entry_of_the_list_or_refused() {
        assert!(
            ["/usr/lib/libmine.so.2", "/h\u{f6}me/a-b_c,d=e/l.so"].iter().all(|path| is_preloadable(Path::new(path)))
        );
        for letter in [' ', ':', '$', '\n', '\t'] {
            assert!(!is_preloadable(Path::new(&format!("/lib/a{letter}b.so"))), "{letter:?}");
        }
    }
}
