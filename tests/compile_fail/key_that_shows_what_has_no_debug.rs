struct Secret;

entourage::context_key! {
    static SECRET: Secret = propagate, shown;
}

fn main() {}
