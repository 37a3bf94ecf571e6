//! What the tests of the report share: runs to tell of, and a browser to look at
//! their reports with.

pub mod browser;
pub mod runs;
