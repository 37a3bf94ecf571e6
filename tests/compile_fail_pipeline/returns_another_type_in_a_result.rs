//! The function returns a `Result` of another type than the dataset is of.

use entourage::{Data, node};

const WORDS: Data<[String]> = Data::memory("words");
const COUNT: Data<usize> = Data::memory("count");

fn longest(words: &[String]) -> Result<String, std::io::Error> {
    Ok(words[0].clone())
}

fn main() {
    let _ = node(longest).reads(WORDS).writes(COUNT);
}
