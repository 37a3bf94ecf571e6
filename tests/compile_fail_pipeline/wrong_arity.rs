//! The node reads more, or fewer, datasets than the function has arguments.

use entourage::{Data, node};

const WORDS: Data<[String]> = Data::memory("words");
const COUNT: Data<usize> = Data::memory("count");

fn count(words: &[String]) -> usize {
    words.len()
}

fn main() {
    let _ = node(count).reads((WORDS, COUNT)).writes(COUNT);
    let _ = node(count).reads(()).writes(COUNT);
}
