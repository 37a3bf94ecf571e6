//! The iterator borrows the node's input.

use entourage::{Data, node};

const WORDS: Data<[String]> = Data::memory("words");
const SHORT: Data<[String]> = Data::memory("short");

fn borrows(words: &[String]) -> impl Iterator<Item = Vec<String>> {
    words.chunks(2).map(<[String]>::to_vec)
}

fn main() {
    let _ = node(borrows).reads(WORDS).yields_from(SHORT);
}
