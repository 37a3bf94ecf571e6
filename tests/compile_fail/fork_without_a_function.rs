entourage::context_key! {
    static DEPTH: u32 = propagate, fork, shown;
}

fn main() {}
