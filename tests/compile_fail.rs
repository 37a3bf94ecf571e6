//! What would be unsound, or could never work, does not compile.

#[test]
fn wrong_use_of_keys_and_executors_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
