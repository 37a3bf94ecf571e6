fn main() {
    let key = entourage::Key::<u32>::new("key", entourage::KeyPolicy::Propagate);
    key.scope(1, || ());
}
