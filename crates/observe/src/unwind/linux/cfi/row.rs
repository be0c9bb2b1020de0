//! A row: how to get from an instruction to the caller's one, in a form that fits into the cache.

use crate::unwind::reason::Reason;

/// How to get from an instruction to the caller's one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// By a frame.
    Frame(Frame),
    /// A signal handler has returned here: the interrupted registers are on the stack.
    Signal,
    /// There is no caller.
    Outermost,
    /// It is not known how.
    Unknown(Reason),
}

/// Where things of a frame are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The canonical frame address: the caller's stack pointer.
    pub cfa: Cfa,
    /// The caller's frame pointer.
    pub frame_pointer: Place,
    /// The return address. [`Place::Same`] is the register that a call writes, where the processor has one.
    pub return_address: Place,
}

/// What the canonical frame address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cfa {
    /// The stack pointer and an offset.
    StackPointer(i32),
    /// The frame pointer and an offset.
    FramePointer(i32),
    /// What is in the word at the frame pointer and an offset.
    AtFramePointer(i32),
}

/// Where a register of the caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the register itself.
    Same,
    /// In the word at this distance from the canonical frame address.
    AtCfa(i32),
    /// In the word at this distance from the frame pointer.
    AtFramePointer(i32),
    /// Nowhere.
    Lost,
}

/// How many bits [`Row::pack`] needs.
pub const BITS: u32 = 44;

/// The parts of a packed row, from its low end on: the kind of [`Cfa`] or `OTHER`, its offset in words, and for both registers
/// the kind of [`Place`], its offset downward in words.
const KIND: u32 = 2;
const CFA_OFFSET: u32 = 18;
const PLACE_KIND: u32 = 2;
const PLACE_OFFSET: u32 = 10;
const OTHER: u64 = 3;

const _: () = assert!(KIND + CFA_OFFSET + 2 * (PLACE_KIND + PLACE_OFFSET) == BITS);

impl Row {
    /// Returns the row as a number of [`BITS`] bits. `None` if an offset is too large for them.
    pub fn pack(self) -> Option<u64> {
        let other = |number: u64| Some(OTHER | number << KIND);
        match self {
            Self::Frame(frame) => {
                let (kind, offset) = match frame.cfa {
                    Cfa::StackPointer(offset) => (0, offset),
                    Cfa::FramePointer(offset) => (1, offset),
                    Cfa::AtFramePointer(offset) => (2, offset),
                };
                let half = 1 << (CFA_OFFSET - 1);
                let offset = words(offset)?.checked_add(half)?;
                let offset = u64::try_from(offset).ok().filter(|offset| offset >> CFA_OFFSET == 0)?;
                let places =
                    pack_place(frame.frame_pointer)? | pack_place(frame.return_address)? << (PLACE_KIND + PLACE_OFFSET);
                Some(kind | offset << KIND | places << (KIND + CFA_OFFSET))
            }
            Self::Signal => other(0),
            Self::Outermost => other(1),
            Self::Unknown(reason) => other(2 + reason as u64),
        }
    }

    /// Returns the row that [`Row::pack`] has made this number of.
    #[inline(always)]
    pub fn unpack(packed: u64) -> Self {
        let rest = packed >> KIND;
        let offset = ((rest & mask(CFA_OFFSET)) as i32 - (1 << (CFA_OFFSET - 1))) * 8;
        let cfa = match packed & mask(KIND) {
            0 => Cfa::StackPointer(offset),
            1 => Cfa::FramePointer(offset),
            2 => Cfa::AtFramePointer(offset),
            _ => return Self::unpack_other(rest),
        };
        let places = rest >> CFA_OFFSET;
        let frame_pointer = unpack_place(places);
        let return_address = unpack_place(places >> (PLACE_KIND + PLACE_OFFSET));
        Self::Frame(Frame { cfa, frame_pointer, return_address })
    }

    fn unpack_other(number: u64) -> Self {
        match number {
            0 => Self::Signal,
            1 => Self::Outermost,
            number => Self::Unknown(Reason::ALL[(number as usize - 2) % Reason::ALL.len()]),
        }
    }
}

fn pack_place(place: Place) -> Option<u64> {
    let (kind, offset) = match place {
        Place::Same => (0, 0),
        Place::AtCfa(offset) => (1, offset),
        Place::AtFramePointer(offset) => (2, offset),
        Place::Lost => (3, 0),
    };
    let down = u64::try_from(words(offset)?.checked_neg()?).ok().filter(|down| down >> PLACE_OFFSET == 0)?;
    Some(kind | down << PLACE_KIND)
}

#[inline(always)]
fn unpack_place(packed: u64) -> Place {
    let offset = -8 * (packed >> PLACE_KIND & mask(PLACE_OFFSET)) as i32;
    match packed & mask(PLACE_KIND) {
        0 => Place::Same,
        1 => Place::AtCfa(offset),
        2 => Place::AtFramePointer(offset),
        _ => Place::Lost,
    }
}

/// Returns an offset in words; `None` if it is no multiple of one.
fn words(offset: i32) -> Option<i32> {
    (offset % 8 == 0).then_some(offset / 8)
}

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn what_fits_comes_back_and_the_rest_is_refused() {
        let cfas = [0, 8, -8, 0x1000, -0xf_ffe0, 0xf_ffe0]
            .map(|at| [Cfa::StackPointer(at), Cfa::FramePointer(at), Cfa::AtFramePointer(at)]);
        let places = [Place::Same, Place::Lost, Place::AtCfa(-8), Place::AtCfa(-8184), Place::AtFramePointer(0)];
        let mut rows: Vec<Row> = Reason::ALL.map(Row::Unknown).to_vec();
        rows.extend([Row::Signal, Row::Outermost]);
        for cfa in cfas.into_iter().flatten() {
            for frame_pointer in places {
                rows.extend(places.map(|return_address| Row::Frame(Frame { cfa, frame_pointer, return_address })));
            }
        }
        for row in rows {
            let packed = row.pack().unwrap_or_else(|| panic!("{row:?}"));
            assert!(packed >> BITS == 0);
            assert_eq!(Row::unpack(packed), row);
        }
        let refused = [(0x10_0000, -8), (4, -8), (16, 8), (16, -8192), (16, -12)];
        for (offset, place) in refused {
            let return_address = Place::AtCfa(place);
            let row = Row::Frame(Frame { cfa: Cfa::StackPointer(offset), frame_pointer: Place::Same, return_address });
            assert_eq!(row.pack(), None, "{row:?}");
        }
    }
}
