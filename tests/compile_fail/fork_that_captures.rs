fn main() {
    let step = 2;
    entourage::context_key! {
        static DEPTH: u32 = propagate, fork = |depth: &u32| depth + step;
    }
}
