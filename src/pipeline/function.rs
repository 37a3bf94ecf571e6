//! Plain Rust functions as the bodies of nodes.

use super::argument::{Argument, Supply};

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

/// A function from the values it reads, `Args`, to what it writes, `Output`.
#[diagnostic::on_unimplemented(
    message = "this function does not fit what the node reads and writes",
    label = "reads {Args}, writes {Output}",
    note = "a node's function is `Fn(&A, &B, …) -> Output` (or `-> Result<Output, E>`), `Send + Sync + 'static`, \
            with a reference for each dataset it reads (a value for one that it takes), in that order, \
            and then a `&mut Chunks<T>` for each that it yields"
)]
pub trait NodeFunction<Args, Output, Marker>: Send + Sync + 'static {
    #[doc(hidden)]
    fn call(&self, supply: &mut Supply<'_>) -> Result<Output, BoxError>;
}

macro_rules! functions {
    ($(($($type:ident $value:ident),*))*) => {$(
        impl<Func, Ret, Output, Marker, $($type: Argument),*>
            NodeFunction<($($type,)*), Output, Marker> for Func
        where
            Func: for<'a> Fn($($type::Given<'a>),*) -> Ret + Send + Sync + 'static,
            Ret: IntoOutput<Output, Marker>,
        {
            fn call(&self, supply: &mut Supply<'_>) -> Result<Output, BoxError> {
                $(let mut $value = $type::hold(supply)?;)*
                supply.check_empty()?;
                self($($type::give(&mut $value)?),*).into_output()
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
