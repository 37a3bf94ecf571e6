entourage::context_key! {
    static TENANT: String = propagate, hidden;
}

fn main() {}
