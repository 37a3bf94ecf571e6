//! A wrong wiring does not compile, and the compiler says why in the words of a
//! pipeline.

#![cfg(feature = "pipeline")]

#[test]
fn wrong_wiring_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail_pipeline/*.rs");
}
