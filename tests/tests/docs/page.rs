//! What a page holds: links, headings, and what is to be run.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use xalloc_tests::checkout;

/// A page of the documentation, with the line of each thing.
pub struct Page {
    pub name: String,
    pub headings: Vec<String>,
    pub links: Vec<(usize, String)>,
    /// What stands in the text as code.
    pub codes: Vec<(usize, String)>,
    pub steps: Vec<(usize, Step)>,
    /// Marks that nobody knows, and blocks that lack one.
    pub problems: Vec<String>,
}

/// What is done with a block, or with a `run` mark.
pub enum Step {
    Run {
        commands: String,
        needs: Option<String>,
    },
    File {
        name: String,
        text: String,
    },
    /// This text is a part of a file of the checkout.
    From {
        file: String,
        text: String,
    },
}

/// What a page says about its next block.
#[derive(Default)]
struct Marks {
    not_run: bool,
    file: Option<String>,
    from: Option<String>,
    needs: Option<String>,
}

impl Page {
    pub fn read(name: &str) -> Self {
        let text = std::fs::read_to_string(checkout().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut page = Self::empty(name);
        let mut marks = Marks::default();
        // What the events since the last opening tag have said.
        let mut inside = String::new();
        for (event, range) in Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = text[..range.start].matches('\n').count() + 1;
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push((line, dest_url.into_string()));
                }
                Event::Start(Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::HtmlBlock) => inside.clear(),
                Event::Code(piece) => {
                    inside.push_str(&piece);
                    page.codes.push((line, piece.into_string()));
                }
                Event::Text(piece) | Event::Html(piece) => inside.push_str(&piece),
                Event::End(TagEnd::Heading(_)) => page.headings.push(std::mem::take(&mut inside)),
                Event::End(TagEnd::HtmlBlock) => page.mark(line, &inside, &mut marks),
                Event::End(TagEnd::CodeBlock) => {
                    let language = language(&text[range]);
                    page.block(line, &language, std::mem::take(&mut inside), std::mem::take(&mut marks));
                }
                _ => (),
            }
        }
        page
    }

    fn empty(name: &str) -> Self {
        Self { name: name.to_owned(), headings: vec![], links: vec![], codes: vec![], steps: vec![], problems: vec![] }
    }

    fn mark(&mut self, line: usize, html: &str, marks: &mut Marks) {
        let Some(text) = html.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")) else { return };
        match text.split_once(':').map(|(word, rest)| (word.trim(), rest.trim().to_owned())) {
            Some(("not run", _)) => marks.not_run = true,
            Some(("file", name)) => marks.file = Some(name),
            Some(("from", file)) => marks.from = Some(file),
            Some(("needs", command)) => marks.needs = Some(command),
            Some(("generated", _)) => {}
            Some(("run", commands)) => self.steps.push((line, Step::Run { commands, needs: marks.needs.take() })),
            _ => self.problems.push(format!("{}:{line}: there is no such mark:{text}", self.name)),
        }
    }

    fn block(&mut self, line: usize, language: &str, text: String, marks: Marks) {
        if let Some(file) = marks.from {
            self.steps.push((line, Step::From { file, text: text.clone() }));
            if marks.file.is_none() {
                return;
            }
        }
        let step = match (language, marks.file) {
            _ if marks.not_run => return,
            (_, Some(name)) => Step::File { name, text },
            ("sh", None) => Step::Run { commands: text, needs: marks.needs },
            // What a command prints, and pictures: crates/cli/tests/transcripts has the former.
            ("" | "console", None) if marks.needs.is_none() => return,
            ("" | "console", None) => {
                let problem =
                    format!("{}:{line}: what is not run needs nothing: make it sh, or drop the mark", self.name);
                return self.problems.push(problem);
            }
            (language, None) => {
                let problem = format!("{}:{line}: {language} needs a mark: see tests/tests/docs/main.rs", self.name);
                return self.problems.push(problem);
            }
        };
        self.steps.push((line, step));
    }
}

/// The word behind the opening fence.
fn language(block: &str) -> String {
    let start = Parser::new(block).find_map(|event| match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(word))) => Some(word.into_string()),
        _ => None,
    });
    start.unwrap_or_default()
}
