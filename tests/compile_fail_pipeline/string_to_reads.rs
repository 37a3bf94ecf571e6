//! A plain string where a typed name is wanted.

use entourage::{Data, node};

const COUNT: Data<usize> = Data::memory("count");

fn count(words: &[String]) -> usize {
    words.len()
}

fn main() {
    let _ = node(count).reads("words").writes(COUNT);
    let _ = node(|| 1_usize).reads(()).writes("count");
}
