//! Build-ids as text.

/// Returns bytes as they stand in names of files, and a word in place of none.
pub fn hexadecimal(id: &[u8]) -> String {
    if id.is_empty() {
        return "none".into();
    }
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
