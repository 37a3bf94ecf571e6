entourage::context_key! {
    static TENANT: String = sometimes;
}

fn main() {}
