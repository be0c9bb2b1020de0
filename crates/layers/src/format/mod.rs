//! Writes a composition in the formats of other tools.

mod cmake;
mod make;
mod sh;
#[cfg(test)]
mod thorny;
mod word;

use crate::composition::Composition;
use crate::error::{Error, Problem};
use crate::parse::parse;
use strum::{Display, EnumString, VariantArray};

/// A format in which a composition can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    /// Everything, for programs.
    Json,
    /// Everything, for people.
    Yaml,
    /// `CC`, `CFLAGS`, … for a POSIX shell.
    Sh,
    /// The same variables for GNU make, to be included.
    Make,
    /// A toolchain file for CMake.
    Cmake,
}

impl Format {
    /// Returns the format that `text` names.
    ///
    /// # Errors
    /// [`Problem::UnknownWord`], with all formats.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        parse("format", text)
    }
}

impl Composition {
    /// Returns the composition in `format`, with a line break at its end.
    ///
    /// # Errors
    /// [`Problem::ControlCharacter`], which never happens for the result of a [`crate::Composer`]; [`Problem::OpenBracket`],
    /// for CMake only.
    pub fn render(&self, format: Format) -> Result<String, Error> {
        self.check_lines()?;
        Ok(match format {
            Format::Json => serde_json::to_string_pretty(self).expect("texts can be written") + "\n",
            Format::Yaml => serde_saphyr::to_string(self).expect("texts can be written"),
            Format::Sh => sh::render(self),
            Format::Make => make::render(self),
            Format::Cmake => cmake::render(self)?,
        })
    }

    /// Checks that no value has a line break: neither make nor a toolchain file can hold one.
    fn check_lines(&self) -> Result<(), Problem> {
        let lists = [&self.compile_flags, &self.link_flags, &self.defines, &self.layers];
        let maps = [&self.cmake_variables, &self.runtime_environment];
        let mut texts =
            lists.into_iter().flatten().chain(maps.into_iter().flatten().flat_map(|(name, value)| [name, value]));
        match texts.find(|text| text.contains(char::is_control)) {
            Some(text) => Err(Problem::ControlCharacter { text: text.clone() }),
            None => Ok(()),
        }
    }

    /// Returns the first line of the formats that have comments.
    fn title(&self) -> String {
        format!("# {}\n", self.layers.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::thorny::thorny;
    use super::*;

    #[test]
    fn json_and_yaml_say_the_same() {
        let json: serde_json::Value = serde_json::from_str(&thorny().render(Format::Json).unwrap()).unwrap();
        let yaml: serde_json::Value = serde_saphyr::from_str(&thorny().render(Format::Yaml).unwrap()).unwrap();
        assert_eq!(json, yaml);
        assert_eq!(json["method"], "ld_preload");
        assert_eq!(json["defines"][1], thorny().defines[1]);
        assert_eq!(json["runtime_environment"]["MY_VALUE"], thorny().runtime_environment["MY_VALUE"]);
    }

    #[test]
    fn a_line_break_is_refused_in_every_form() {
        let composition = Composition { defines: vec!["A=b\nc".into()], ..thorny() };
        for format in Format::VARIANTS {
            assert!(composition.render(*format).is_err(), "{format}");
        }
    }
}
