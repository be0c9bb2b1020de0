//! Leaves out the allocator's own functions: whoever called malloc is the call site.

use crate::report::{Location, Report};
use std::rc::Rc;

/// What the names of libraries that are allocators begin with.
const LIBRARIES: [&str; 9] = [
    "libxalloc",
    "libjemalloc",
    "libtcmalloc",
    "libmimalloc",
    "libsnmalloc",
    "librpmalloc",
    "libtbbmalloc",
    "libhoard",
    "libmalloc",
];

/// The functions by which programs allocate.
const FUNCTIONS: [&str; 22] = [
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "strdup",
    "strndup",
    "__libc_malloc",
    "__libc_calloc",
    "__libc_realloc",
    "__libc_memalign",
    "operator new",
    "operator new[]",
    "__strdup",
    "__strndup",
    "mallocx",
    "rallocx",
    "exchange_malloc",
];

/// What the names of functions of the C++ and Rust libraries begin with that lead from a container to the allocator.
const BEGINNINGS: [&str; 19] = [
    "std::allocator<",
    "std::allocator_traits<",
    "std::__new_allocator<",
    "__gnu_cxx::new_allocator<",
    "std::_Vector_base<",
    "__rust_alloc",
    "__rust_realloc",
    "__rustc::__rust_",
    "__rdl_",
    "__rg_",
    "std::alloc::",
    "std::sys::alloc::",
    "<std::alloc::",
    "alloc::alloc::",
    "<alloc::alloc::",
    "alloc::raw_vec::",
    "<alloc::raw_vec::",
    "alloc::boxed::box_new",
    "hashbrown::raw::alloc::",
];

impl Report {
    /// Takes the allocator's functions from the innermost end of each stack. The last function stays, so that there is one.
    pub fn trim(&mut self) {
        for stack in &mut self.stacks {
            let whole = stack.locations.iter().take_while(|location| inner(location) == location.frames.len()).count();
            let whole = whole.min(stack.locations.len().saturating_sub(1));
            stack.locations.drain(..whole);
            let Some(first) = stack.locations.first_mut() else { continue };
            let part = inner(first);
            if part > 0 && part < first.frames.len() {
                *first = Rc::new(Location { frames: first.frames[part..].to_vec(), ..(**first).clone() });
            }
        }
    }
}

/// Returns how many of a location's functions, from the innermost one on, are the allocator's.
fn inner(location: &Location) -> usize {
    if LIBRARIES.iter().any(|name| location.library.starts_with(name)) {
        return location.frames.len();
    }
    let is_its =
        |name: &str| FUNCTIONS.contains(&name) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    location.frames.iter().take_while(|frame| is_its(&frame.function)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counts, Frame, NamedStack};

    fn location(library: &str, functions: &[&str]) -> Rc<Location> {
        let frames = functions.iter().map(|name| Frame::named(name, None, None)).collect();
        Rc::new(Location { address: 1, mapping: None, library: library.into(), frames })
    }

    fn trimmed(locations: Vec<Rc<Location>>) -> Vec<String> {
        let stack = NamedStack { locations, counts: Counts::default() };
        let mut report = Report { stacks: vec![stack], ..Report::default() };
        report.trim();
        report.stacks[0].frames().map(|(_, frame)| frame.function.to_string()).collect()
    }

    #[test]
    fn who_called_malloc_is_the_innermost() {
        let stack = vec![
            location("libxalloc.so.0", &["observe", "malloc"]),
            location("libstdc++.so.6", &["operator new"]),
            location("server", &["std::allocator<int>::allocate", "std::vector<int>::push_back", "serve"]),
            location("server", &["malloc", "main"]),
        ];
        assert_eq!(trimmed(stack), ["std::vector<int>::push_back", "serve", "malloc", "main"]);
        let rust = ["<alloc::alloc::Global>::alloc_impl_runtime", "<alloc::raw_vec::RawVecInner>::finish_grow"];
        let stack = vec![location("tool", &["__rust_alloc"]), location("tool", &rust), location("tool", &["main"])];
        assert_eq!(trimmed(stack), ["main"]);
        assert_eq!(trimmed(vec![location("libjemalloc.so.2", &["a"])]), ["a"]);
        assert_eq!(trimmed(vec![location("p", &["malloc"]), location("p", &["calloc"])]), ["calloc"]);
        assert_eq!(trimmed(Vec::new()), [""; 0]);
    }
}
