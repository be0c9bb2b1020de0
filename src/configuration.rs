//! Reads `/etc/xalloc.conf` and `XALLOC_CONF` and does what they say, before the first allocation.
//!
//! A mistake in them is one line on stderr, and the program runs on. A program with more rights than its caller is not
//! configured at all.

use xalloc_heap::misuse;
use xalloc_options::{Problem, Setting, Value, parse};
use xalloc_os::stderr::Line;
use xalloc_os::{pages, process, syscall};

/// The heaps by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Choice {
    /// xalloc's own default heap.
    Fast = 0,
    /// The next allocator in the process.
    System = 1,
}

impl Choice {
    const fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::System => "system",
        }
    }
}

struct Configuration {
    heap: Choice,
    verbose: bool,
    report_only: bool,
    fail_mapping: usize,
}

/// The system's configuration; longer ones are cut, because there is nowhere to read them into yet.
const FILE: &core::ffi::CStr = c"/etc/xalloc.conf";
const FILE_MAX: usize = 4096;

/// Reads the configuration and puts it into force. Returns the heap to use.
pub fn apply() -> Choice {
    let mut configuration = Configuration { heap: Choice::Fast, verbose: false, report_only: false, fail_mapping: 0 };
    if !process::is_secure() {
        let mut buffer = [0; FILE_MAX];
        configuration.take(read_file(&mut buffer), "/etc/xalloc.conf");
        configuration.take(process::variable("XALLOC_CONF").unwrap_or_default(), "XALLOC_CONF");
    }
    misuse::set_report_only(configuration.report_only);
    pages::fail_request(configuration.fail_mapping);
    if configuration.verbose {
        configuration.announce();
    }
    configuration.heap
}

fn read_file(buffer: &mut [u8]) -> &[u8] {
    let Ok(file) = syscall::open_read(FILE) else { return &[] };
    let mut used = 0;
    while let Ok(count @ 1..) = syscall::read(file, &mut buffer[used..]) {
        used += count;
    }
    syscall::close(file);
    &buffer[..used]
}

impl Configuration {
    fn take(&mut self, text: &[u8], source: &str) {
        parse(text, |piece| match piece {
            Ok((setting, value)) => self.set(setting, value),
            Err(problem) => complain(source, &problem),
        });
    }

    fn set(&mut self, setting: &Setting, value: Value) {
        match (setting.name, value) {
            ("heap", Value::Choice("system")) => self.heap = Choice::System,
            ("heap", _) => self.heap = Choice::Fast,
            ("invalid", value) => self.report_only = value == Value::Choice("report"),
            ("fail_mapping", Value::Count(count)) => self.fail_mapping = count,
            ("verbose", value) => self.verbose = value == Value::Switch(true),
            // A name in the table without an arm here is caught by the test of the library that sets every option.
            (name, _) => Line::new().text("xalloc: option ").text(name).text(" has no effect in this build").end(),
        }
    }

    fn announce(&self) {
        let mut line = Line::new();
        line.text("xalloc ").text(env!("CARGO_PKG_VERSION")).text(": heap ").text(self.heap.name());
        line.text(", pid ").number(syscall::process_id() as usize).end();
    }
}

fn complain(source: &str, problem: &Problem<'_>) {
    let mut line = Line::new();
    line.text("xalloc: ").text(source).text(": ");
    let hint = match *problem {
        Problem::UnknownName(name, nearest) => {
            line.text("there is no option '").bytes(name).text("'");
            nearest
        }
        Problem::BadValue(setting, value, nearest) => {
            line.text("'").bytes(value).text("' is no value of option '").text(setting.name).text("'");
            nearest
        }
        Problem::NoValue(piece) => {
            line.text("'").bytes(piece).text("' has no value (write name:value)");
            None
        }
    };
    if let Some(nearest) = hint {
        line.text(": did you mean '").text(nearest).text("'?");
    }
    line.end();
}
