entourage::context_key! {
    static TENANT: std::rc::Rc<str> = never;
}

fn main() {}
