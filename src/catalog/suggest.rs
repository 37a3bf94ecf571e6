//! "Did you mean …?"

/// The names closest to `found`, as the end of a sentence; empty where none is
/// close.
pub(crate) fn did_you_mean<'a>(found: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    const CLOSE: f64 = 0.75;
    const MOST: usize = 3;
    let mut close: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(found, name), name))
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    close.truncate(MOST);
    if close.is_empty() {
        return String::new();
    }
    let names: Vec<_> = close.iter().map(|(_, name)| format!("`{name}`")).collect();
    format!("; did you mean {}?", names.join(" or "))
}
