fn main() {
    let suppressed = entourage::SuppressGuard::new();
    std::thread::spawn(move || drop(suppressed));
}
