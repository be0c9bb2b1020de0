//! Call frame information: what a module says of the way from an instruction to the caller's one. The format is DWARF's, as the
//! Linux Standard Base changes it for `.eh_frame` and `.eh_frame_hdr`.
//!
//! Everything is read from a [`Module`]'s one segment, with a check of its bounds; nothing is believed to be well-formed.

mod encoding;
mod entry;
mod expression;
mod module;
mod program;
mod reader;
mod row;
mod rules;
mod table;

pub use module::Module;
pub use row::{BITS as ROW_BITS, Cfa, Frame, Place, Row};
pub use rules::row;
