//! "Did you mean": finds the word that was probably meant.

/// The length of the longest word that is compared, in bytes. A longer one is near no word.
const MAX: usize = 32;

/// Returns the one of `words` that `typed` was probably meant to be: at most two letters differ, and fewer than half of them.
pub fn nearest(typed: &[u8], words: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    words
        .map(|word| (distance(typed, word.as_bytes()), word))
        .filter(|&(distance, word)| distance <= 2 && distance * 2 < word.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

/// Returns Levenshtein's distance: how many letters must be inserted, removed or changed.
fn distance(a: &[u8], b: &[u8]) -> usize {
    if a.len() > MAX || b.len() > MAX {
        return usize::MAX;
    }
    let mut row: [usize; MAX + 1] = core::array::from_fn(|index| index);
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_letters() {
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert_eq!(distance(b"", b"abc"), 3);
        assert_eq!(distance(b"abc", b"abc"), 0);
        assert_eq!(distance(&[b'a'; 100], b"abc"), usize::MAX);
    }

    #[test]
    fn prefers_the_nearest_and_refuses_the_far() {
        let words = || ["fast", "system"].into_iter();
        assert_eq!(nearest(b"fsat", words()), None);
        assert_eq!(nearest(b"fas", words()), Some("fast"));
        assert_eq!(nearest(b"sistem", words()), Some("system"));
    }
}
