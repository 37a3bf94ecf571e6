//! The node yields chunks that its function has no place for, or of another type.

use entourage::{Chunks, Data, node};

const WORDS: Data<[String]> = Data::memory("words");
const SHORT: Data<[String]> = Data::memory("short");

fn returns(words: &[String]) -> Vec<String> {
    words.to_vec()
}

fn lengths(words: &[String], out: &mut Chunks<[usize]>) {
    let _ = out.push(vec![words.len()]);
}

fn counts(words: &[String], out: &mut Chunks<[String]>) -> usize {
    let _ = out.push(words.to_vec());
    words.len()
}

fn main() {
    let _ = node(returns).reads(WORDS).yields(SHORT);
    let _ = node(lengths).reads(WORDS).yields(SHORT);
    let _ = node(counts).reads(WORDS).yields(SHORT);
}
