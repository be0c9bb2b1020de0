//! How measurements are shown: pictures, tables, files.

pub mod files;
pub mod labels;
pub mod markdown;
pub mod svg;
