//! Texts that are no longer than a page can bear.

use std::borrow::Cow;

/// The most of one text that is shown, in bytes.
pub(super) const TEXT: usize = 16 << 10;
/// The most of a name.
pub(super) const NAME: usize = 1 << 10;

/// `text`, or as much of its beginning as `most` bytes hold, and how much more
/// there is.
pub(super) fn clip(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(most);
    Cow::Owned(format!("{} … and {} bytes more", &text[..end], text.len() - end))
}
