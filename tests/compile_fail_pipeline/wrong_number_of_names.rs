//! More, or fewer, strings than the function has arguments or outputs.

use entourage::node;

fn split(words: &[String]) -> (usize, usize) {
    (words.len(), 0)
}

fn main() {
    let _ = node(split).reads_named(("a", "b")).writes_named(("c", "d"));
    let _ = node(split).reads_named("a").writes_named(("b", "c", "d"));
}
