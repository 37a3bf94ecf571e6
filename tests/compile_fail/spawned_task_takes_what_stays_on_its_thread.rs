use std::rc::Rc;

fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    let rows = Rc::new(vec![1, 2, 3]);
    let task = pool.spawn(move || rows.len());
    task.join().unwrap();
}
