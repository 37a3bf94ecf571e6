use entourage::FutureContextExt;

fn main() {
    let _ = (|| 7).in_context();
}
