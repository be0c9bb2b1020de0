//! Amounts as people read them.

use xalloc_profile::Figure;

/// Returns an amount of `figure`: `1.5 MiB`, or a number with its thousands apart.
pub fn amount(figure: Figure, value: i64) -> String {
    if figure.is_bytes() { bytes(value) } else { thousands(value) }
}

/// Returns a change of `figure`, with its sign.
pub fn change(figure: Figure, value: i64) -> String {
    format!("{}{}", if value > 0 { "+" } else { "" }, amount(figure, value))
}

fn bytes(value: i64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut shown = value as f64 / 1024.0;
    if shown.abs() < 1.0 {
        return format!("{value} B");
    }
    for unit in units {
        if shown.abs() < 1023.5 {
            let decimals = usize::from(shown.abs() < 99.95);
            return format!("{shown:.decimals$} {unit}");
        }
        shown /= 1024.0;
    }
    unreachable!("64 bits end at 8 EiB")
}

fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).expect("digits")).collect();
    format!("{}{}", if value < 0 { "-" } else { "" }, groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_amount_has_its_unit() {
        let shown = [0, 1023, 1024, -1536, 102_380, 1_048_570, 1 << 20, i64::MAX, i64::MIN].map(bytes);
        assert_eq!(
            shown,
            ["0 B", "1023 B", "1.0 KiB", "-1.5 KiB", "100 KiB", "1.0 MiB", "1.0 MiB", "8.0 EiB", "-8.0 EiB"]
        );
        let shown = [0, 999, 1000, -1_234_567, i64::MIN].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "-1,234,567", "-9,223,372,036,854,775,808"]);
        assert_eq!(change(Figure::LiveObjects, 7), "+7");
        assert_eq!(change(Figure::LiveBytes, -2048), "-2.0 KiB");
    }
}
