//! What is taken must be clonable, since others may read it; and it is a value,
//! not a reference.

use entourage::{Data, node};

struct Model;

const MODEL: Data<Model> = Data::memory("model");
const WORDS: Data<[String]> = Data::memory("words");
const COUNT: Data<usize> = Data::memory("count");

fn main() {
    let _ = node(|_: Model| 1_usize).reads(MODEL.take()).writes(COUNT);
    let _ = node(|words: &[String]| words.len()).reads(WORDS.take()).writes(COUNT);
}
