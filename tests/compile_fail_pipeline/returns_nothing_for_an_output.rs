//! The function returns nothing for what the node declares to write.

use entourage::{Data, node};

const WORDS: Data<[String]> = Data::memory("words");
const COUNT: Data<usize> = Data::memory("count");
const LONGEST: Data<str> = Data::memory("longest");

fn forgets(words: &[String]) {
    drop(words.len());
}

fn half(words: &[String]) -> usize {
    words.len()
}

fn main() {
    let _ = node(forgets).reads(WORDS).writes(COUNT);
    let _ = node(half).reads(WORDS).writes((COUNT, LONGEST));
}
