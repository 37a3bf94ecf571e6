//! The function takes its input by value.

use entourage::{Data, node};

const COUNT: Data<usize> = Data::memory("count");
const NEXT: Data<usize> = Data::memory("next");

fn next(count: usize) -> usize {
    count + 1
}

fn main() {
    let _ = node(next).reads(COUNT).writes(NEXT);
}
