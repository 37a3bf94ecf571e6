use std::rc::Rc;

fn main() {
    let pool = entourage::Executor::builder().build().unwrap();
    let task = pool.spawn_future(async {
        let rows = Rc::new(vec![1, 2, 3]);
        std::future::ready(()).await;
        rows.len()
    });
    task.join().unwrap();
}
