use std::rc::Rc;

fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    _ = pool.spawn(|| Rc::new(7));
}
