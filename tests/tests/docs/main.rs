//! README.md and docs: every link leads somewhere, and every command and every example works.
//!
//! A page's blocks are run one after the other in a directory of the page's own: ```` ```sh ```` by bash; another language
//! needs a mark. A mark is an HTML comment, which readers of the page do not see:
//!
//! * `<!-- not run: WHY -->`: the next block is not run;
//! * `<!-- file: NAME -->`: the next block becomes this file;
//! * `<!-- from: FILE -->`: the next block is a part of this file of the checkout, however it is indented there;
//! * `<!-- needs: COMMAND -->`: where this fails, the next block, or the next `run`, is skipped, with a line that says so;
//! * `<!-- run: COMMANDS -->`: run as well, to prepare something or to try the file above.
//!
//! CONTRIBUTING.md has the rules for whoever writes a page.

mod commands;
mod links;
mod options;
mod page;

use libtest_mimic::{Arguments, Failed, Trial};
use page::Page;
use std::path::PathBuf;
use xalloc_tests::checkout;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for name in names() {
        let page = Page::read(&name);
        let links = [links::broken(&page), links::gone_files(&page)].concat();
        trials.push(Trial::test(format!("links/{name}"), move || verdict(links)));
        if !page.steps.is_empty() || !page.problems.is_empty() {
            trials.push(Trial::test(format!("commands/{name}"), move || verdict(commands::failures(&page))));
        }
    }
    let unlisted = links::not_in_the_index(&names());
    trials.push(Trial::test("the_index_has_every_page", move || verdict(unlisted)));
    trials.push(Trial::test("options_to_migrate_to_exist", || verdict(options::unknown())));
    libtest_mimic::run(&arguments, trials).exit();
}

/// The pages, seen from the checkout.
fn names() -> Vec<String> {
    let folder = std::fs::read_dir(checkout().join("docs")).expect("docs").flatten();
    let mut names: Vec<String> = folder
        .map(|entry| PathBuf::from("docs").join(entry.file_name()).display().to_string())
        .filter(|name| name.ends_with(".md"))
        .chain(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn verdict(problems: Vec<String>) -> Result<(), Failed> {
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}
