//! Toolchain files: a stack of layers, and values for their variables.

use crate::error::{Error, Place, Problem};
use crate::spec::LayerSpec;
use crate::words::{Kind, Method};
use crate::yaml;
use serde::{Deserialize, Deserializer, de};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// The content of a toolchain file.
#[derive(Clone, Debug, Default)]
pub struct Toolchain {
    /// The layers, in order.
    pub layers: Vec<LayerSpec>,
    /// The values for `{{variables}}`.
    pub variables: BTreeMap<String, String>,
}

impl Toolchain {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, or is not a toolchain file; then with the place.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problem::Unreadable { path: file.clone(), reason: error.to_string() })?;
        Self::parse(&text, &file)
    }

    /// Reads `text`. `file` is its name in error messages.
    ///
    /// # Errors
    /// The problem, with its place.
    pub fn parse(text: &str, file: &str) -> Result<Self, Error> {
        let body = yaml::read::<Document>(text, file)?.body(file)?;
        let layer = |entry: Spanned<Layer>| {
            let place = yaml::place(file, entry.referenced);
            let mut layer = entry.value.0;
            layer.place = Some(place);
            layer
        };
        Ok(Self { layers: body.layers.into_iter().map(layer).collect(), variables: body.variables })
    }
}

/// The file's content. Its keys may stand under `toolchain:` too, beside the keys of other tools.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    toolchain: Option<Spanned<Body>>,
    #[serde(default)]
    layers: Vec<Spanned<Layer>>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    layers: Vec<Spanned<Layer>>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

impl Document {
    fn body(self, file: &str) -> Result<Body, Error> {
        let start = Place { file: file.to_owned(), line: 1, column: 1 };
        let (body, place) = match self.toolchain {
            None => (Body { layers: self.layers, variables: self.variables }, start),
            Some(body) if self.layers.is_empty() && self.variables.is_empty() => {
                (body.value, yaml::place(file, body.referenced))
            }
            Some(body) => {
                let text = "layers and variables stand under toolchain: or beside it; move all to one place";
                return Err(Error::at(Some(yaml::place(file, body.referenced)), Problem::Yaml(text.into())));
            }
        };
        if body.layers.is_empty() {
            let problem = Problem::MissingKey { key: "layers", why: "it lists the layers, as TYPE/NAME".into() };
            return Err(Error::at(Some(place), problem));
        }
        Ok(body)
    }
}

/// A layer in either of its two forms: `TYPE/NAME`, or a mapping.
struct Layer(LayerSpec);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongForm {
    #[serde(rename = "type")]
    kind: Kind,
    name: String,
    method: Option<Method>,
    #[serde(default)]
    options: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Layer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LayerVisitor)
    }
}

struct LayerVisitor;

impl<'de> de::Visitor<'de> for LayerVisitor {
    type Value = Layer;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a layer, TYPE/NAME or {type: TYPE, name: NAME}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Layer, E> {
        text.parse().map(Layer).map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Layer, A::Error> {
        let long = LongForm::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let spec = LayerSpec::new(long.kind, &long.name).map_err(de::Error::custom)?;
        Ok(Layer(LayerSpec { method: long.method, options: long.options, ..spec }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
layers:
  - base/clang-18
  - {type: allocator, name: jemalloc, method: ld_preload, options: {background_thread: true}}
variables:
  toolchain_root: /opt/llvm
";

    fn error(text: &str) -> String {
        Toolchain::parse(text, "t.yaml").unwrap_err().to_string()
    }

    #[test]
    fn both_forms_of_a_layer_are_read_with_their_places() {
        let toolchain = Toolchain::parse(FILE, "t.yaml").unwrap();
        assert_eq!(toolchain.variables["toolchain_root"], "/opt/llvm");
        let [base, allocator] = &toolchain.layers[..] else { panic!("two layers") };
        assert_eq!((base.to_string(), base.method), ("base/clang-18".into(), None));
        assert_eq!((allocator.name.as_str(), allocator.method), ("jemalloc", Some(Method::LdPreload)));
        assert_eq!(allocator.options["background_thread"], "true");
        assert_eq!(allocator.place.as_ref().unwrap().to_string(), "t.yaml:3:5");
    }

    #[test]
    fn layers_may_stand_under_toolchain_and_not_in_both_places() {
        let text = "toolchain:\n  layers:\n    - base/gcc\n";
        assert_eq!(Toolchain::parse(text, "t.yaml").unwrap().layers[0].to_string(), "base/gcc");
        let both = error(&format!("{text}layers: [base/gcc]\n"));
        assert!(both.starts_with("t.yaml:2:3: ") && both.contains("move all to one place"), "{both}");
    }

    #[test]
    fn errors_point_at_the_word() {
        assert_eq!(
            error("layers:\n  - {type: allocator, name: x, method: inject}\n"),
            "t.yaml:2:40: unknown method 'inject'; there are auto, link, ld_preload, proxy, none"
        );
        assert!(error("layers:\n  - base/gcc\n  - gcc\n").starts_with("t.yaml:3:5: 'gcc' is no layer"));
        assert!(error("layers:\n  - {type: base, nam: gcc}\n").starts_with("t.yaml:2:18: unknown key 'nam'"));
        assert!(error("variables: {A: x}\n").starts_with("t.yaml:1:1: key 'layers' is missing: "));
        assert!(error("layers: []\n").starts_with("t.yaml:1:1: key 'layers' is missing: "));
        assert!(error("layers: [18]\n").contains("expected a layer, TYPE/NAME or"));
    }
}
