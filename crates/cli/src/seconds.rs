//! Times in seconds on the command line.

use std::time::Duration;

/// Reads the time that something may take.
///
/// # Errors
/// The text is not a number, or the time is too long.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| format!("'{text}' is no number of seconds"))?;
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("'{text}' is no time that something can take")),
    }
}
