//! pprof's profile.proto, compressed, as `go tool pprof`, pprof.me and Pyroscope read it.

use super::message::{Function, Line, Mapping, Profile, Sample, ValueType};
use crate::report::{Frame, Location, NamedStack, Report};
use crate::{Counts, hexadecimal};
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use std::collections::HashMap;
use std::io::{self, Write};
use std::rc::Rc;

/// The four numbers of a sample, as Go's own heap profiles call them, and their units.
const TYPES: [(&str, &str); 4] =
    [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")];

/// Returns the profile, with names, lines and build-ids in it, so that the reader needs none of the files.
///
/// # Errors
/// There is too little memory.
pub fn pprof(report: &Report) -> io::Result<Vec<u8>> {
    let mut tables = Tables::default();
    tables.text("");
    let types = TYPES.map(|(name, unit)| ValueType { r#type: tables.text(name), unit: tables.text(unit) });
    let samples = report.stacks.iter().map(|stack| tables.sample(report, stack)).collect();
    let notices = report.notices().iter().map(|notice| tables.text(notice)).collect();
    let period_type = ValueType { r#type: tables.text("space"), unit: tables.text("bytes") };
    let profile = Profile {
        sample_type: types.to_vec(),
        sample: samples,
        mapping: tables.mappings,
        location: tables.locations,
        function: tables.functions,
        string_table: tables.texts,
        period_type: Some(period_type),
        period: i64::try_from(report.interval).unwrap_or(i64::MAX),
        comment: notices,
        default_sample_type: types[3].r#type,
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&profile.encode_to_vec())?;
    encoder.finish()
}

/// The tables of the file. Ids are places in them, from 1.
#[derive(Default)]
struct Tables {
    texts: Vec<String>,
    text_ids: HashMap<String, i64>,
    functions: Vec<Function>,
    function_ids: HashMap<(Rc<str>, Option<Rc<str>>), u64>,
    mappings: Vec<Mapping>,
    mapping_ids: HashMap<usize, u64>,
    locations: Vec<super::message::Location>,
    location_ids: HashMap<Rc<Location>, u64>,
}

impl Tables {
    fn sample(&mut self, report: &Report, stack: &NamedStack) -> Sample {
        let Counts { live_objects, live_bytes, allocated_objects, allocated_bytes } = stack.counts;
        Sample {
            location_id: stack.locations.iter().map(|location| self.location(report, location)).collect(),
            value: vec![allocated_objects, allocated_bytes, live_objects, live_bytes],
        }
    }

    fn location(&mut self, report: &Report, location: &Rc<Location>) -> u64 {
        if let Some(&id) = self.location_ids.get(location) {
            return id;
        }
        let mapping_id = location.mapping.map_or(0, |at| self.mapping(report, at));
        let line = location.frames.iter().map(|frame| self.line(frame)).collect();
        if let Some(mapping) = mapping_id.checked_sub(1).map(|at| &mut self.mappings[at as usize]) {
            mapping.has_filenames |= location.frames.iter().any(|frame| frame.file.is_some());
            mapping.has_line_numbers |= location.frames.iter().any(|frame| frame.line.is_some());
            mapping.has_inline_frames |= location.frames.len() > 1;
        }
        let id = self.locations.len() as u64 + 1;
        self.locations.push(super::message::Location { id, mapping_id, address: location.address, line });
        self.location_ids.insert(Rc::clone(location), id);
        id
    }

    fn line(&mut self, frame: &Frame) -> Line {
        Line { function_id: self.function(frame), line: frame.line.unwrap_or(0).into() }
    }

    fn function(&mut self, frame: &Frame) -> u64 {
        let key = (Rc::clone(&frame.function), frame.file.clone());
        if let Some(&id) = self.function_ids.get(&key) {
            return id;
        }
        let name = self.text(&frame.function);
        let filename = frame.file.as_ref().map_or(0, |file| self.text(file));
        let id = self.functions.len() as u64 + 1;
        self.functions.push(Function { id, name, system_name: name, filename });
        self.function_ids.insert(key, id);
        id
    }

    fn mapping(&mut self, report: &Report, at: usize) -> u64 {
        if let Some(&id) = self.mapping_ids.get(&at) {
            return id;
        }
        let mapping = &report.mappings[at];
        let id = self.mappings.len() as u64 + 1;
        let filename = self.text(&mapping.path.display().to_string());
        let build_id = mapping.build_id.as_ref().map_or(0, |build_id| self.text(&hexadecimal(build_id)));
        self.mappings.push(Mapping {
            id,
            memory_start: mapping.start,
            memory_limit: mapping.end,
            file_offset: mapping.offset,
            filename,
            build_id,
            // The reader must not look for other names than those that are written here.
            has_functions: true,
            ..Mapping::default()
        });
        self.mapping_ids.insert(at, id);
        id
    }

    fn text(&mut self, text: &str) -> i64 {
        if let Some(&id) = self.text_ids.get(text) {
            return id;
        }
        let id = self.texts.len() as i64;
        self.texts.push(text.to_owned());
        self.text_ids.insert(text.to_owned(), id);
        id
    }
}
