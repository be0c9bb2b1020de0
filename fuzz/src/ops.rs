//! Sizes as programs have them: many small ones, few large ones.

use arbitrary::{Arbitrary, Result, Unstructured};

/// The size of a request, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Size(pub usize);

impl<'a> Arbitrary<'a> for Size {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let most = match bytes.int_in_range(0..=63)? {
            0 => 9 << 20,
            1..=3 => 2 << 20,
            4..=15 => 64 << 10,
            16..=31 => 4 << 10,
            _ => 300,
        };
        Ok(Self(bytes.int_in_range(0..=most)?))
    }
}
