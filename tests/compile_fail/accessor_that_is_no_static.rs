struct Locale(u32);

impl entourage::Accessor for Locale {
    type Value = u32;
    type Guard = ();
    fn name(&self) -> &'static str {
        "locale"
    }
    fn capture(&self) -> Option<u32> {
        Some(self.0)
    }
    fn enter(&self, _: Option<&u32>) {}
}

fn main() {
    let locale = Locale(1);
    entourage::Executor::builder().accessor(&locale).build().unwrap();
}
