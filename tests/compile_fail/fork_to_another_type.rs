entourage::context_key! {
    static DEPTH: u32 = propagate, fork = |depth: &u32| depth.to_string();
}

fn main() {}
