entourage::context_key! {
    static ATTEMPT: u32 = propagate;
}

fn main() {
    ATTEMPT.scope("second", || ());
}
