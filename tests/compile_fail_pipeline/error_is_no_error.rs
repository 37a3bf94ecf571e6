//! The function's error cannot become a `Box<dyn Error + Send + Sync>`.

use entourage::{Data, node};

const COUNT: Data<usize> = Data::memory("count");

fn count() -> Result<usize, u32> {
    Err(7)
}

fn main() {
    let _ = node(count).reads(()).writes(COUNT);
}
