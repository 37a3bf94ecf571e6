//! What a node, a dataset or a tag may be called, and what the parts of a name
//! mean.

use crate::catalog::PARAMETER_PREFIX;
pub(super) use crate::catalog::{PARAMETERS, is_parameter};

/// What stands between a dataset's name and the format of one of its forms.
const FORM: char = '@';

/// Whether `name` is made of letters, digits, `_`, `.` and `-` alone.
pub(super) fn is_word(name: &str) -> bool {
    // Almost every name is ASCII, and a byte is looked at more quickly than a
    // character.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    !name.is_empty() && (name.bytes().all(is_plain) || name.chars().all(is_word))
}

/// Whether a dataset may be called `name`: a word, or two with `@` between them,
/// or a word after `params:`.
pub(super) fn is_dataset(name: &str) -> bool {
    if let Some(path) = name.strip_prefix(PARAMETER_PREFIX) {
        return is_word(path);
    }
    match name.split_once(FORM) {
        Some((base, form)) => is_word(base) && is_word(form),
        None => is_word(name),
    }
}

/// Whether the name is that of one form of a dataset: `data@csv`.
pub(super) fn is_form(name: &str) -> bool {
    name.contains(FORM)
}

/// The dataset that a form is one of: `data` of `data@csv`, and `data` itself.
pub(super) fn base(name: &str) -> &str {
    name.split(FORM).next().unwrap_or(name)
}

/// Whether `namespace` is `of`, or lies in it.
pub(super) fn is_within(namespace: &str, of: &str) -> bool {
    namespace.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
