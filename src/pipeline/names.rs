//! What a node, a dataset or a tag may be called.

/// Whether `name` is made of letters, digits, `_`, `.` and `-` alone.
pub(super) fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
}
