//! Many tiny blocks that live for a moment: the expansion of a square root into a continued fraction with numbers of any
//! length, the inner loop of the factorisation program that gave the benchmark its name.
//!
//! 160,000 steps on a number of 125 bits; some 25 blocks of 4 to 40 bytes a step, two thirds of them freed at once.

use std::cmp::Ordering;
use std::hint::black_box;

const STEPS: usize = 160_000;

/// A natural number: base 2^16, lowest digit first, no zeros at the end. Every operation makes a new block.
#[derive(Clone, PartialEq, Eq)]
struct Number(Vec<u16>);

impl Number {
    fn new(value: u128) -> Self {
        Self((0..8).map(|digit| (value >> (16 * digit)) as u16).collect()).trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    fn digit(&self, index: usize) -> u32 {
        self.0.get(index).copied().unwrap_or(0).into()
    }

    fn add(&self, other: &Self) -> Self {
        let mut carry = 0;
        let length = self.0.len().max(other.0.len()) + 1;
        let mut sum = Vec::with_capacity(length);
        for index in 0..length {
            let digit = self.digit(index) + other.digit(index) + carry;
            sum.push(digit as u16);
            carry = digit >> 16;
        }
        Self(sum).trimmed()
    }

    /// `other` is not larger.
    fn subtract(&self, other: &Self) -> Self {
        let mut borrow = 0;
        let mut difference = Vec::with_capacity(self.0.len());
        for index in 0..self.0.len() {
            let digit = self.digit(index) as i32 - other.digit(index) as i32 - borrow;
            difference.push(digit as u16);
            borrow = i32::from(digit < 0);
        }
        Self(difference).trimmed()
    }

    fn multiply(&self, other: &Self) -> Self {
        let mut product = vec![0u16; self.0.len() + other.0.len()];
        for (low, &digit) in self.0.iter().enumerate() {
            let mut carry = 0u32;
            for (high, &other) in other.0.iter().enumerate() {
                let sum = u32::from(digit) * u32::from(other) + u32::from(product[low + high]) + carry;
                product[low + high] = sum as u16;
                carry = sum >> 16;
            }
            product[low + other.0.len()] = carry as u16;
        }
        Self(product).trimmed()
    }

    fn shifted(&self, bits: usize) -> Self {
        let mut digits = vec![0u16; bits / 16];
        let mut carry = 0;
        for &digit in &self.0 {
            let wide = u32::from(digit) << (bits % 16) | carry;
            digits.push(wide as u16);
            carry = wide >> 16;
        }
        digits.push(carry as u16);
        Self(digits).trimmed()
    }

    fn bits(&self) -> usize {
        self.0.last().map_or(0, |top| self.0.len() * 16 - top.leading_zeros() as usize)
    }

    /// Quotient and remainder, by shifting and subtracting.
    fn divide(&self, by: &Self) -> (Self, Self) {
        let (mut quotient, mut rest) = (Self(Vec::new()), self.clone());
        while rest.compare(by) != Ordering::Less {
            let shift = rest.bits() - by.bits();
            let mut piece = by.shifted(shift);
            let mut one = Self::new(1).shifted(shift);
            if rest.compare(&piece) == Ordering::Less {
                piece = by.shifted(shift - 1);
                one = Self::new(1).shifted(shift - 1);
            }
            rest = rest.subtract(&piece);
            quotient = quotient.add(&one);
        }
        (quotient, rest)
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

pub fn run() {
    let number: u128 = 0x17ff_ffff_ffff_ffff_ffff_ffff_ffff_fe3b;
    let (n, root) = (Number::new(number), Number::new(number.isqrt()));
    let (mut p, mut q) = (Number::new(0), Number::new(1));
    let (mut a, mut before) = (root.clone(), Number::new(1));
    let mut last_q = Number::new(number - number.isqrt() * number.isqrt());
    for _ in 0..STEPS {
        // (root + p) / last_q is the next term; the rest follows from Lagrange's recurrences.
        let next_p = {
            let (term, _) = root.add(&p).divide(&last_q);
            let next = term.multiply(&last_q);
            let next_a = term.multiply(&a).add(&before).divide(&n).1;
            before = std::mem::replace(&mut a, next_a);
            if next.compare(&p) == Ordering::Less { p.subtract(&next) } else { next.subtract(&p) }
        };
        let square = next_p.multiply(&next_p);
        let next_q = n.subtract(&square).divide(&last_q).0;
        p = next_p;
        q = std::mem::replace(&mut last_q, next_q);
    }
    black_box((&p.0, &q.0, &a.0));
}
