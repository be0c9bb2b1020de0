//! Collections, traits and closures enough to keep a compiler busy for seconds.
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::{Debug, Display, Write};
use std::hash::Hash;

pub trait Key: Clone + Ord + Hash + Debug + Display {}
impl<T: Clone + Ord + Hash + Debug + Display> Key for T {}

#[derive(Clone, Debug, Default)]
pub struct Index<K: Key, V: Key> {
    sorted: BTreeMap<K, BTreeSet<V>>,
    hashed: HashMap<V, HashSet<K>>,
    recent: VecDeque<(K, V)>,
}

impl<K: Key, V: Key> Index<K, V> {
    pub fn add(&mut self, key: K, value: V) {
        self.sorted.entry(key.clone()).or_default().insert(value.clone());
        self.hashed.entry(value.clone()).or_default().insert(key.clone());
        self.recent.push_back((key, value));
        if self.recent.len() > 100 {
            self.recent.pop_front();
        }
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for (key, values) in &self.sorted {
            let mut all: Vec<_> = values.iter().map(|value| format!("{value:?}")).collect();
            all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            writeln!(text, "{key}: {}", all.join(", ")).unwrap();
        }
        for (value, keys) in &self.hashed {
            let most = keys.iter().max_by_key(|key| key.to_string().len());
            writeln!(text, "{value:>10} {most:?}").unwrap();
        }
        text
    }
}

macro_rules! functions {
    ($($name:ident $key:ty, $value:ty;)*) => {
        $(pub fn $name(pairs: &[($key, $value)]) -> String {
            let mut index = Index::default();
            pairs.iter().cloned().for_each(|(key, value)| index.add(key, value));
            index.text()
        })*
    };
}

functions! {
    a u8, String; b u32, String; c i64, String;
    d String, u16; e char, i32;
}
