//! "Did you mean …?"

/// The names closest to `found`, as the end of a sentence; empty where none is
/// close.
pub(crate) fn did_you_mean<'a>(found: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    told(closest(found, names.into_iter().map(|name| (name, name))))
}

/// Hints for as many problems as a person reads. To look for each of a hundred
/// thousand names among as many would take hours.
pub(crate) struct Hints {
    left: usize,
}

impl Default for Hints {
    fn default() -> Self {
        Self { left: 20 }
    }
}

impl Hints {
    /// What `hint` makes, while there are any left.
    pub(crate) fn next(&mut self, hint: impl FnOnce() -> String) -> String {
        match self.left.checked_sub(1) {
            None => String::new(),
            Some(left) => {
                self.left = left;
                hint()
            }
        }
    }
}

/// As [`did_you_mean`], of names that may have a namespace in front: what was
/// found may be such a name without it.
pub(crate) fn did_you_mean_namespaced<'a, I>(found: &str, names: I) -> String
where
    I: IntoIterator<Item = &'a str, IntoIter: Clone>,
{
    let names = names.into_iter();
    let close = closest(found, names.clone().map(|name| (name, name)));
    if !close.is_empty() {
        return told(close);
    }
    let local = |name: &'a str| name.rsplit(['.', ':']).next().unwrap_or(name);
    told(closest(found, names.map(|name| (local(name), name))))
}

/// Of pairs of what is compared and what is told, the closest few.
fn closest<'a>(found: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<&'a str> {
    const CLOSE: f64 = 0.75;
    const MOST: usize = 3;
    let likeness = |compared| strsim::normalized_damerau_levenshtein(found, compared);
    let mut close: Vec<(f64, &str)> = pairs
        .map(|(compared, name)| (likeness(compared), name))
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    close.truncate(MOST);
    close.into_iter().map(|(_, name)| name).collect()
}

fn told(close: Vec<&str>) -> String {
    if close.is_empty() {
        return String::new();
    }
    let names: Vec<_> = close.iter().map(|name| format!("`{name}`")).collect();
    format!("; did you mean {}?", names.join(" or "))
}
