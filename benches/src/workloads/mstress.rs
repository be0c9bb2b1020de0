//! Leijen's stress: threads that allocate objects of mixed sizes, keep some, exchange some through a shared table, and
//! are replaced by new threads again and again, as in a server that starts a thread for each task.
//!
//! 64 rounds; a task allocates 3,000 to 12,000 objects of mostly 8 to 512 bytes, every hundredth up to 50 KB; 1,000 places
//! in the table. Every word is written, and checked before the object goes.

use crate::random::Random;
use crate::threads;
use std::sync::Mutex;

const ROUNDS: usize = 64;
const OBJECTS: usize = 3_000;
const PLACES: usize = 1000;

type Object = Vec<u64>;

pub fn run() {
    let table: Vec<Mutex<Option<Object>>> = (0..PLACES).map(|_| Mutex::new(None)).collect();
    for round in 0..ROUNDS {
        threads::run(2 * threads::count(), |number| task(round, number, &table));
        if round % 4 == 3 {
            table.iter().for_each(|place| discard(place.lock().expect("no thread panics").take()));
        }
    }
}

fn task(round: usize, number: usize, table: &[Mutex<Option<Object>>]) {
    let mut random = Random::new((round * 100 + number) as u64);
    let objects = OBJECTS * (number % 4 + 1);
    let (mut kept, mut passing) = (Vec::new(), Vec::new());
    let mut to_keep = objects / 2;
    for _ in 0..objects {
        if random.once_in(2) && to_keep > 0 {
            kept.push(object(&mut random));
            to_keep -= 1;
        } else {
            passing.push(object(&mut random));
        }
        if random.once_in(2) && !passing.is_empty() {
            let index = random.below(passing.len());
            discard(Some(passing.swap_remove(index)));
        }
        if random.once_in(4) && !passing.is_empty() {
            let index = random.below(passing.len());
            let mut place = table[random.below(PLACES)].lock().expect("no thread panics");
            let other = place.replace(passing.swap_remove(index));
            drop(place);
            passing.extend(other);
        }
    }
    kept.into_iter().chain(passing).for_each(|object| discard(Some(object)));
}

fn object(random: &mut Random) -> Object {
    let mut words = random.between(1, 64);
    if random.once_in(100) {
        words *= 100;
    } else if random.once_in(10) {
        words *= 10;
    }
    (0..words as u64).map(|word| word ^ words as u64).collect()
}

fn discard(object: Option<Object>) {
    let Some(object) = object else { return };
    let words = object.len() as u64;
    assert!(
        object.iter().zip(0..).all(|(&value, word): (&u64, u64)| value == word ^ words),
        "an object was written to"
    );
}
