//! `/proc/self/maps`, read without allocating.

use super::syscall;
use crate::place::Place;

/// Returns what is mapped at `address`, from `/proc/self/maps`. Slow, because it reads the file, so only for foreign and bad
/// pointers.
pub fn describe(address: usize) -> Place {
    let Ok(file) = syscall::open_read(c"/proc/self/maps") else { return Place::Unknown };
    let mut parser = Parser::new();
    let mut buffer = [0; 1024];
    // An emulator that may not read the file shows an empty one.
    let mut place_behind_all = Place::Unknown;
    let place = loop {
        match syscall::read(file, &mut buffer) {
            Ok(0) => break place_behind_all,
            Ok(count) => {
                place_behind_all = Place::Unmapped;
                if let Some(found) = buffer[..count].iter().find_map(|&byte| parser.feed(byte, address)) {
                    break found;
                }
            }
            Err(_) => break Place::Unknown,
        }
    };
    syscall::close(file);
    place
}

/// Reads lines of the form `start-end perms offset device inode   name`, byte by byte, because a line may be longer than any
/// buffer that fits on a small stack.
struct Parser {
    start: usize,
    end: usize,
    inode: usize,
    /// The number of the field that is being read. Fields are separated by one or more spaces.
    field: usize,
    in_space: bool,
    in_end: bool,
    name: [u8; 8],
    name_used: usize,
}

impl Parser {
    fn new() -> Self {
        Self { start: 0, end: 0, inode: 0, field: 0, in_space: false, in_end: false, name: [0; 8], name_used: 0 }
    }

    /// Takes the next byte. Returns the place at the end of the line that contains `address`.
    fn feed(&mut self, byte: u8, address: usize) -> Option<Place> {
        match byte {
            b'\n' => {
                let found = (self.start..self.end).contains(&address).then(|| self.place());
                *self = Self::new();
                return found;
            }
            b' ' => {
                self.field += usize::from(!self.in_space);
                self.in_space = true;
            }
            byte => {
                self.in_space = false;
                self.feed_field(byte);
            }
        }
        None
    }

    fn feed_field(&mut self, byte: u8) {
        match (self.field, byte) {
            (0, b'-') => self.in_end = true,
            (0, digit) => {
                let number = if self.in_end { &mut self.end } else { &mut self.start };
                *number = *number << 4 | (digit as char).to_digit(16).unwrap_or(0) as usize;
            }
            (4, digit) => self.inode = self.inode * 10 + digit.wrapping_sub(b'0') as usize,
            (5, byte) if self.name_used < self.name.len() => {
                self.name[self.name_used] = byte;
                self.name_used += 1;
            }
            _ => {}
        }
    }

    fn place(&self) -> Place {
        match &self.name[..self.name_used] {
            b"[stack]" => Place::Stack,
            b"[heap]" => Place::Break,
            _ if self.inode != 0 => Place::File,
            _ => Place::Anonymous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_field() {
        let text =
            "5000-6000 r-xp 00000000 08:01 123   /a b\n7000-8000 rw-p 00000000 00:00 0                  [stack]\n";
        let find = |address| {
            let mut parser = Parser::new();
            text.bytes().find_map(|byte| parser.feed(byte, address))
        };
        assert_eq!(find(0x5fff), Some(Place::File));
        assert_eq!(find(0x6000), None);
        assert_eq!(find(0x7000), Some(Place::Stack));
    }
}
