//! Prints the statistics at the end of the process, on stderr or to the file that the option `stats` names.
//!
//! The file is opened when they are written, and closed after that, so that a forked child has a file of its own and the
//! program never has a descriptor that it did not open. They are appended, because many processes may write to the same file.

use crate::output_file::OutputFile;
use xalloc_os::{process, refusals, syscall};
use xalloc_redirect::{Heap, HeapRedirect, StatsReport};

static FILE: OutputFile = OutputFile::new();

/// Sets the file to which the statistics are written. `path` is a value of the option. Called during start-up.
pub fn write_to(path: &[u8]) {
    FILE.set(path);
}

/// Prints what the heap holds, or writes it to the file. If the file cannot be written, prints one line on stderr.
pub fn print<H: Heap>(redirect: &HeapRedirect<H>) {
    let mut report = StatsReport::new();
    report.sign().text("statistics of ").bytes(process::program_name());
    report.text(", pid ").number(syscall::process_id() as usize).end_line();
    report_failing_request(&mut report);
    redirect.report_statistics(&mut report);
    if FILE.is_set() {
        FILE.write("statistics", |path| report.append_to(path));
    } else {
        report.print();
    }
}

fn report_failing_request(report: &mut StatsReport) {
    let Some((request, made)) = refusals::failing_request() else { return };
    report.sign().text("fail_mapping: request ").number(request).text(" for memory ");
    if made == request {
        report.text("was refused").end_line();
    } else {
        report.text("did not come: the process made ").number(made).end_line();
    }
}
