//! What the benches share.

mod figures;
mod rounds;

pub(crate) use figures::Figures;
pub(crate) use rounds::Rounds;
