use entourage::Propagation;

static TENANT: &str = "acme";

fn main() {
    Propagation::only([&TENANT]);
}
