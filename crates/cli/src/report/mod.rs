//! What measurements are shown with: pictures, tables, files.

pub mod files;
pub mod labels;
pub mod markdown;
pub mod svg;
