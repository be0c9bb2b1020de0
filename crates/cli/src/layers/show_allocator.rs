//! Prints an allocator, for `xalloc layers show`.

use super::columns::columns;
use super::lines::{line, variables, words};
use std::collections::BTreeMap;
use xalloc_layers::{Allocator, Package, PackageManager};

/// Prints everything except the name and the description.
pub fn show(allocator: &Allocator) {
    line("called", allocator.display_name.as_deref().unwrap_or_default());
    line("homepage", allocator.homepage.as_deref().unwrap_or_default());
    characteristics(allocator);
    let methods: Vec<_> = allocator.integration_methods.iter().map(ToString::to_string).collect();
    line("methods", &methods.join(", "));
    platforms(allocator);
    variables("preloaded with", &allocator.ld_preload.environment);
    packages("to run", &allocator.packages.run);
    packages("to build", &allocator.packages.build);
    line("from source", allocator.source.as_deref().unwrap_or_default());
    if !allocator.options.is_empty() {
        println!("\n{}", options(allocator));
    }
}

fn characteristics(allocator: &Allocator) {
    let its = &allocator.characteristics;
    line("thread-safe", its.thread_safe.map_or("", |is_safe| if is_safe { "yes" } else { "no" }));
    let texts = [
        ("design", &its.design),
        ("profiling", &its.profiling),
        ("security", &its.security),
        ("best for", &its.best_for),
    ];
    for (label, text) in texts {
        line(label, text.as_deref().unwrap_or_default());
    }
}

fn platforms(allocator: &Allocator) {
    for (system, support) in &allocator.platforms {
        let state = match support.default_method {
            _ if !support.supported => "not supported".to_owned(),
            Some(method) => format!("supported; auto is {method}"),
            None => "supported".to_owned(),
        };
        let notes = support.notes.as_ref().map_or(String::new(), |notes| format!(". {notes}"));
        line(&system.to_string(), &format!("{state}{notes}"));
        line("  linked by", &allocator.link.flags.get(system).map_or(String::new(), |flags| words(flags)));
        line("  preloaded as", &allocator.preload_files(*system).join(", "));
    }
}

/// Prints packages. Marks the names that nobody has checked.
fn packages(label: &str, packages: &BTreeMap<PackageManager, Package>) {
    for (manager, package) in packages {
        let mark = if package.tried { "" } else { "  (not checked)" };
        line(label, &format!("{} {}{mark}", manager.install(), package.names.join(" ")));
    }
}

fn options(allocator: &Allocator) -> String {
    let rows = allocator.options.iter().map(|(name, option)| {
        let key = option.key.as_ref().map_or(String::new(), |key| format!("={key}:…"));
        let default = option.default.clone().unwrap_or_default();
        let by = format!("{}{key}", option.variable);
        [name.clone(), option.accepted(), default, option.description.clone(), by]
    });
    columns(["option", "values", "default", "what it does", "by"].map(str::to_owned), rows)
}
