//! Plain Rust functions as the bodies of nodes.

use crate::catalog::{Data, DataType, Value};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A function that returns its output.
#[derive(Debug)]
pub enum Plain {}

/// A function that returns its output or an error.
#[derive(Debug)]
pub enum Fallible {}

/// What a node's function may return for `Output`: the output itself, or a
/// `Result` of it.
#[diagnostic::on_unimplemented(
    message = "the node's function returns `{Self}`, which is not what the node writes",
    label = "the node writes `{Output}`",
    note = "return `{Output}`, or `Result<{Output}, E>` with an error that converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait IntoOutput<Output, Marker> {
    #[doc(hidden)]
    fn into_output(self) -> Result<Output, BoxError>;
}

impl<T> IntoOutput<T, Plain> for T {
    fn into_output(self) -> Result<T, BoxError> {
        Ok(self)
    }
}

impl<T, E: Into<BoxError>> IntoOutput<T, Fallible> for Result<T, E> {
    fn into_output(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

enum Undecided {}

/// What nothing returns. While two implementations could be meant the compiler
/// waits until it has seen what the node writes, and then tells of that.
impl<T> IntoOutput<Undecided, Undecided> for T {
    fn into_output(self) -> Result<Undecided, BoxError> {
        Err("nothing writes this".into())
    }
}

/// A function from references to the values it reads, `Args`, to what it
/// writes, `Output`.
#[diagnostic::on_unimplemented(
    message = "this function does not fit what the node reads and writes",
    label = "reads {Args}, writes {Output}",
    note = "a node's function is `Fn(&A, &B, …) -> Output` (or `-> Result<Output, E>`), `Send + Sync + 'static`, \
            with a reference for each dataset it reads, in that order"
)]
pub trait NodeFunction<Args, Output, Marker>: Send + Sync + 'static {
    #[doc(hidden)]
    fn call(&self, inputs: &[Value]) -> Result<Output, BoxError>;
}

/// The value behind one input. The graph was type-checked when it was built, so
/// a miss is a defect of ours; it is said, not panicked.
fn view<T: DataType + ?Sized>(value: &Value) -> Result<&T, BoxError> {
    let owned = value.downcast_ref::<T::Owned>();
    owned
        .map(T::view)
        .ok_or_else(|| format!("an input is not a {}", std::any::type_name::<T::Owned>()).into())
}

macro_rules! functions {
    ($(($($type:ident $value:ident),*))*) => {$(
        impl<Func, Ret, Output, Marker, $($type: DataType + ?Sized),*>
            NodeFunction<($(Data<$type>,)*), Output, Marker> for Func
        where
            Func: Fn($(&$type),*) -> Ret + Send + Sync + 'static,
            Ret: IntoOutput<Output, Marker>,
        {
            fn call(&self, inputs: &[Value]) -> Result<Output, BoxError> {
                let [$($value),*] = inputs else {
                    return Err(format!("{} inputs, not as many as arguments", inputs.len()).into());
                };
                self($(view::<$type>($value)?),*).into_output()
            }
        }
    )*};
}

functions! {
    ()
    (A a)
    (A a, B b)
    (A a, B b, C c)
    (A a, B b, C c, D d)
    (A a, B b, C c, D d, E e)
    (A a, B b, C c, D d, E e, F f)
    (A a, B b, C c, D d, E e, F f, G g)
    (A a, B b, C c, D d, E e, F f, G g, H h)
    (A a, B b, C c, D d, E e, F f, G g, H h, I i)
    (A a, B b, C c, D d, E e, F f, G g, H h, I i, J j)
    (A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k)
    (A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l)
}
