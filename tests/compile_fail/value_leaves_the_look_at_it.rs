entourage::context_key! {
    static TENANT: String = propagate;
}

fn main() {
    let tenant: Option<&String> = TENANT.with(|tenant| tenant);
    assert!(tenant.is_none());
}
