use std::rc::Rc;

fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    let _task = pool.spawn_future(async { Rc::new(7) });
}
