//! The function returns another type than the dataset is of.

use entourage::{Data, node};

const WORDS: Data<[String]> = Data::memory("words");
const COUNT: Data<usize> = Data::memory("count");

fn longest(words: &[String]) -> String {
    words[0].clone()
}

fn main() {
    let _ = node(longest).reads(WORDS).writes(COUNT);
}
