//! Composes a build with jemalloc preloaded, and prints it for a shell and as YAML.
//!
//! `cargo run --example compose -p xalloc-layers [TYPE/NAME…]` takes other layers.

use xalloc_layers::{Catalogue, Composer, Directories, Format, LayerSpec, Method};

const STACK: [&str; 4] = ["base/gcc", "platform/linux-x64", "buildtype/release", "allocator/jemalloc"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names = if arguments.is_empty() { STACK.map(String::from).to_vec() } else { arguments };
    let mut layers = names.iter().map(|name| name.parse()).collect::<Result<Vec<LayerSpec>, _>>()?;
    if let Some(last) = layers.last_mut().filter(|last| last.name == "jemalloc") {
        last.method = Some(Method::LdPreload);
        last.options.insert("background_thread".into(), "true".into());
    }

    let directory = std::env::current_dir()?;
    let composition = Composer::new(Catalogue::with(Directories::of(&directory)))
        .variable("project_root", directory.display().to_string())
        .resolver(|allocator| {
            let folder = std::path::Path::new("/usr/lib/x86_64-linux-gnu");
            let names = allocator.preload_files(xalloc_layers::System::Linux).iter();
            names.map(|name| folder.join(name)).find(|path| path.exists())
        })
        .compose(&layers)?;

    println!("{}", composition.render(Format::Sh)?);
    print!("{}", composition.render(Format::Yaml)?);
    Ok(())
}
