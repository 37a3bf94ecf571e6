//! The iterator is of something else, or is none.

use entourage::{Data, node};

const WORDS: Data<[String]> = Data::memory("words");
const SHORT: Data<[String]> = Data::memory("short");

fn single(words: Vec<String>) -> impl Iterator<Item = String> {
    words.into_iter()
}

fn count(words: Vec<String>) -> usize {
    words.len()
}

fn main() {
    let _ = node(single).reads(WORDS.take()).yields_from(SHORT);
    let _ = node(count).reads(WORDS.take()).yields_from(SHORT);
}
