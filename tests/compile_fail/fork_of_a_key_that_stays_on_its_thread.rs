entourage::context_key! {
    static SCRATCH: u32 = never, fork = |n| n + 1;
}

fn main() {}
