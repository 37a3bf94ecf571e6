//! The function takes another type than the dataset is of.

use entourage::{Data, node};

const WORDS: Data<[String]> = Data::memory("words");
const COUNT: Data<usize> = Data::memory("count");

fn count(words: &[u32]) -> usize {
    words.len()
}

fn main() {
    let _ = node(count).reads(WORDS).writes(COUNT);
    let _ = node(|words: &[String]| words.len()).reads(COUNT).writes(COUNT);
}
