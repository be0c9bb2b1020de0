//! Names for addresses: functions, with those that are inlined into them, files and lines.

mod debug_file;
mod demangle;
mod elf;
mod module;
mod perf_map;

pub use debug_file::Places;
pub use perf_map::{PerfMap, ProblemWithMap};

use crate::mapping::NO_FILE;
use crate::report::{Frame, Location, NamedStack, Problems, Report};
use crate::{Mapping, Profile};
use module::Module;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

/// What is known of names: the files that were opened, each once.
#[derive(Default)]
pub struct Names {
    places: Places,
    modules: HashMap<PathBuf, Result<Module, module::Problem>>,
}

impl Names {
    /// Returns names that come from the mapped files, and from files with debug information in `places`.
    pub fn new(places: Places) -> Self {
        Self { places, modules: HashMap::new() }
    }

    /// Returns the profile with names in place of addresses, and estimates in place of samples. `map` has the names of code
    /// that was made at run time. Calls `progress` after each stack.
    pub fn name(&mut self, profile: &Profile, map: Option<&PerfMap>, mut progress: impl FnMut()) -> Report {
        let mut locations: HashMap<u64, Rc<Location>> = HashMap::new();
        let mut problems = Problems::new();
        let mut stacks = Vec::new();
        for stack in &profile.stacks {
            let of = stack.addresses.iter().map(|&address| {
                let named = || Rc::new(self.location(profile, map, address, &mut problems));
                Rc::clone(locations.entry(address).or_insert_with(named))
            });
            stacks.push(NamedStack { locations: of.collect(), counts: stack.counts.unsampled(profile.interval) });
            progress();
        }
        let mappings = profile.mappings.iter().map(|mapping| self.with_build_id(mapping)).collect();
        Report { interval: profile.interval, stacks, mappings, problems }
    }

    /// Returns a mapping with the build-id of its file, if that was opened.
    fn with_build_id(&self, mapping: &Mapping) -> Mapping {
        let module = self.modules.get(&mapping.path).and_then(|module| module.as_ref().ok());
        let id = module.map(Module::build_id).filter(|id| !id.is_empty()).map(<[u8]>::to_vec);
        Mapping { build_id: mapping.build_id.clone().or(id), ..mapping.clone() }
    }

    /// Returns what is at a return address: the call is the instruction before it.
    fn location(
        &mut self,
        profile: &Profile,
        map: Option<&PerfMap>,
        return_address: u64,
        problems: &mut Problems,
    ) -> Location {
        let address = return_address.saturating_sub(1);
        let mapping = profile.mapping_of(address);
        let (library, frames) = match mapping.map(|at| &profile.mappings[at]) {
            Some(file) if file.is_file() => (file.name(), self.frames(profile, file, address, problems)),
            other => {
                let library = other.map_or_else(|| NO_FILE.to_owned(), Mapping::name);
                let name = map.and_then(|map| map.name(address));
                let unnamed = || Frame::unnamed(&format!("{library} {address:#x}"));
                let frame = name.map_or_else(unnamed, |name| Frame::named(name, None, None));
                (library, vec![frame])
            }
        };
        Location { address, mapping, library: library.into(), frames }
    }

    /// Returns the functions at an address in a file, the innermost first: at least one.
    fn frames(&mut self, profile: &Profile, file: &Mapping, address: u64, problems: &mut Problems) -> Vec<Frame> {
        let places = &self.places;
        let module = self.modules.entry(file.path.clone()).or_insert_with(|| Module::open(file, places));
        let frames = match module {
            Ok(module) => module.frames(file.file_offset(address)),
            Err(problem) => {
                problems.insert(file.name().into(), problem.to_string());
                Vec::new()
            }
        };
        if !frames.is_empty() {
            return frames;
        }
        // As a loader counts: from where the file's first byte is.
        let first = profile.mappings.iter().find(|mapping| mapping.path == file.path).unwrap_or(file);
        let base = first.start.wrapping_sub(first.offset);
        vec![Frame::unnamed(&format!("{}+{:#x}", file.name(), address.wrapping_sub(base)))]
    }
}
