//! Chunks of a type that says nothing of how they are put together.

use entourage::{Chunks, Data, node};

struct Model;

const MODEL: Data<Model> = Data::memory("model");

fn train(out: &mut Chunks<Model>) {
    let _ = out.push(Model);
}

fn main() {
    let _ = node(train).reads(()).yields(MODEL);
}
