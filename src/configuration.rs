//! Reads `/etc/xalloc.conf` and `XALLOC_CONF` and does what they say, before the first allocation.
//!
//! For a mistake it prints one line on stderr, and the program goes on. A program with more rights than its caller is not
//! configured at all, and neither are the programs that it starts.

#[cfg(target_os = "linux")]
use crate::observation::Observation;
use crate::pow2_options::Pow2Options;
use crate::statistics;
use xalloc_heaps::fast::Tuning;
use xalloc_heaps::huge_pages::{self, Policy};
use xalloc_heaps::scalable;
use xalloc_options::{Kind, Problem, Setting, Value, parse, words};
use xalloc_os::stderr::Line;
use xalloc_os::{process, refusals, syscall};
use xalloc_redirect::report;

/// The heaps that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Choice {
    /// xalloc's own default heap.
    Fast = 0,
    /// The next allocator in the process.
    System = 1,
    /// The heap of powers of two.
    Pow2 = 2,
}

impl Choice {
    const fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::System => "system",
            Self::Pow2 => "pow2",
        }
    }
}

/// The options that were set. A path is a part of the text that it stands in.
struct Configuration<'a> {
    heap: Choice,
    lean: bool,
    /// What was said explicitly; otherwise the profile decides.
    purge_ms: Option<usize>,
    thp: Option<Policy>,
    background_thread: bool,
    #[cfg(target_os = "linux")]
    observation: Observation<'a>,
    stats: Option<Destination<'a>>,
    verbose: bool,
    report_only: bool,
    fail_mapping: usize,
    pow2: Pow2Options,
}

/// Where the statistics are written.
#[derive(Clone, Copy)]
enum Destination<'a> {
    Stderr,
    /// The path is that of the option, with its `%`.
    File(&'a [u8]),
}

/// The user's configuration.
const VARIABLE: &str = "XALLOC_CONF";
/// The system's configuration.
const FILE: &core::ffi::CStr = c"/etc/xalloc.conf";
/// How much of the file is read, in bytes. It is read to the stack, because there is no other memory yet.
const FILE_MAX: usize = 4096;

/// The part of the configuration that the heaps must know.
pub struct Applied {
    /// The heap to use.
    pub heap: Choice,
    /// How the default heap is tuned; `None` if nothing differs from its defaults.
    pub tuning: Option<Tuning>,
    /// How the heap of powers of two is to be tuned.
    pub pow2: scalable::Tuning,
    /// Whether a background thread is wanted.
    pub background_thread: bool,
    /// Whether statistics are printed at the end.
    pub stats: bool,
}

/// Reads the configuration and applies it. Returns what the heaps must know.
pub fn apply() -> Applied {
    let mut configuration = Configuration {
        heap: Choice::Fast,
        lean: false,
        purge_ms: None,
        thp: None,
        background_thread: false,
        #[cfg(target_os = "linux")]
        observation: Observation::new(),
        stats: None,
        verbose: false,
        report_only: false,
        fail_mapping: 0,
        pow2: Pow2Options::new(),
    };
    let mut buffer = [0; FILE_MAX];
    if !process::is_secure() {
        configuration.take(read_file(&mut buffer), "/etc/xalloc.conf");
        configuration.take(process::variable(VARIABLE).unwrap_or_default(), VARIABLE);
    }
    // A value that is not set is not written, because most processes are short, and each page that they touch costs time.
    if configuration.report_only {
        report::set_report_only(true);
    }
    if configuration.fail_mapping != 0 {
        refusals::fail_request(configuration.fail_mapping, configuration.verbose);
    }
    if configuration.verbose {
        configuration.print();
    }
    if let Some(Destination::File(path)) = configuration.stats {
        statistics::write_to(path);
    }
    #[cfg(target_os = "linux")]
    configuration.observation.apply();
    if let Some(policy) = configuration.thp.or(configuration.lean.then_some(Policy::Never)) {
        huge_pages::set_policy(policy);
    }
    Applied {
        heap: configuration.heap,
        tuning: configuration.tuning(),
        pow2: configuration.pow2.tuning(configuration.lean, configuration.purge_ms),
        background_thread: configuration.background_thread,
        stats: configuration.stats.is_some(),
    }
}

/// Removes the variable that a program with more rights than its caller does not obey. A program that it starts has these
/// rights from its beginning, so it could not see that somebody else chose the variable.
pub fn drop_untrusted() {
    if process::is_secure() {
        // SAFETY: called by the process's first constructor. If the library is opened later than that, this is like any other
        // call of `unsetenv`, which a program with threads must not make then either.
        unsafe { process::remove_variable(VARIABLE) };
    }
}

fn read_file(buffer: &mut [u8]) -> &[u8] {
    let Ok(file) = syscall::open_read(FILE) else { return &[] };
    let mut used = 0;
    while let Ok(count @ 1..) = syscall::read(file, &mut buffer[used..]) {
        used += count;
    }
    syscall::close(file);
    if used < FILE_MAX {
        return &buffer[..used];
    }
    Line::new().text("xalloc: /etc/xalloc.conf is too long: what stands beyond 4096 bytes has no effect").end();
    // The last line may go on there.
    let lines = buffer.iter().rposition(|&byte| byte == b'\n').unwrap_or(0);
    &buffer[..lines]
}

impl<'a> Configuration<'a> {
    fn take(&mut self, text: &'a [u8], source: &str) {
        parse(text, |piece| match piece {
            Ok((setting, value)) => self.set(setting, value, source),
            Err(problem) => complain(source, &problem),
        });
    }

    fn set(&mut self, setting: &Setting, value: Value<'a>, source: &str) {
        match (setting.name, value) {
            ("heap", Value::Choice("system")) => self.heap = Choice::System,
            ("heap", Value::Choice("pow2")) => self.heap = Choice::Pow2,
            ("heap", _) => self.heap = Choice::Fast,
            ("profile", value) => self.lean = value == Value::Choice("lean"),
            ("purge_ms", Value::Count(milliseconds)) => self.purge_ms = Some(milliseconds),
            ("thp", Value::Choice("never")) => self.thp = Some(Policy::Never),
            ("thp", Value::Choice("always")) => self.thp = Some(Policy::Always),
            ("thp", _) => self.thp = Some(Policy::Default),
            #[cfg(target_os = "linux")]
            ("background_thread", value) => self.background_thread = value == Value::Switch(true),
            ("invalid", value) => self.report_only = value == Value::Choice("report"),
            ("fail_mapping", Value::Count(count)) => self.fail_mapping = count,
            ("stats", Value::Path(path)) => self.stats = Some(Destination::File(path)),
            ("stats", value) => self.stats = (value == Value::Switch(true)).then_some(Destination::Stderr),
            ("verbose", value) => self.verbose = value == Value::Switch(true),
            (name, value) if self.pow2.set(name, value, source) => {}
            #[cfg(target_os = "linux")]
            (name, value) if self.observation.set(name, value) => {}
            // A name in the table without an arm here is caught by the test of the library that sets every option.
            (name, _) => Line::new().text("xalloc: option ").text(name).text(" has no effect in this build").end(),
        }
    }

    fn tuning(&self) -> Option<Tuning> {
        let usual = if self.lean { Tuning::LEAN } else { Tuning::SPEED };
        let purge_delay = self.purge_ms.map_or(usual.purge_delay, |milliseconds| milliseconds as u64);
        (self.lean || self.purge_ms.is_some()).then_some(Tuning { purge_delay, ..usual })
    }

    fn print(&self) {
        let mut line = Line::new();
        line.text("xalloc ").text(env!("CARGO_PKG_VERSION")).text(": heap ").text(self.heap.name());
        line.text(", program ").bytes(process::program_name());
        line.text(", pid ").number(syscall::process_id() as usize);
        if self.background_thread {
            line.text(", background thread");
        }
        line.end();
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
    match (hint, problem) {
        (Some(nearest), _) => {
            line.text(": did you mean '").text(nearest).text("'?");
        }
        (None, Problem::BadValue(setting, ..)) => {
            line.text(" (write ");
            values(&mut line, &setting.kind);
            line.text(")");
            if setting.kind == Kind::Size {
                line.text(": ").text(setting.default).text(" is used");
            }
        }
        (None, _) => {}
    }
    line.end();
}

/// What an option takes.
fn values(line: &mut Line, kind: &Kind) {
    match kind {
        Kind::Count => {
            line.text("a number");
        }
        Kind::Size => {
            line.text("a number of bytes, or one with K, M or G behind it");
        }
        Kind::Destination => {
            line.text("true, false, or a path that begins with '/', in which % is followed by p, e or %");
        }
        Kind::Switch | Kind::Choice(_) => {
            for (at, word) in words(kind).iter().enumerate() {
                line.text(if at == 0 { "" } else { " or " }).text(word);
            }
        }
    }
}
