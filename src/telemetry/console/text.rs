//! Texts of a run, made safe for a terminal and short enough for it.
//!
//! A name or a message may hold anything: what moves the cursor, changes colours,
//! turns the direction of writing or ends the line is written as an escape.

use std::fmt::Write;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands for what was left out.
const ELLIPSIS: &str = "…";

/// How many characters may make up one that is seen: a letter may carry marks
/// without end, none of which takes a column.
const MARKS: usize = 12;

/// How many columns a message may take, and how many a name in a line of text.
pub(super) const MESSAGE: usize = 500;
pub(super) const NAME: usize = 120;

/// The text, safe, and of its beginning no more than fits `columns`.
pub(super) fn start_of(text: &str, columns: usize) -> String {
    let mut parts = text.graphemes(true).map(part);
    let (mut kept, mut used) = (String::new(), 0);
    let mut room_for_ellipsis = 0;
    for (part, width) in parts.by_ref() {
        if used + width > columns {
            kept.truncate(room_for_ellipsis);
            if columns > 0 {
                kept.push_str(ELLIPSIS);
            }
            break;
        }
        kept.push_str(&part);
        used += width;
        if used < columns {
            room_for_ellipsis = kept.len();
        }
    }
    kept
}

/// The text, safe, and of its beginning and its end no more than fits `columns`:
/// names in one namespace differ at their end.
pub(super) fn ends_of(text: &str, columns: usize) -> String {
    // No part is looked at that cannot be shown.
    let front: Vec<_> = text.graphemes(true).map(part).take(columns + 1).collect();
    let whole: usize = front.iter().map(|(_, width)| width).sum();
    if front.len() <= columns && whole <= columns {
        return front.into_iter().map(|(part, _)| part).collect();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let mut back = Vec::new();
    let mut used = 0;
    for (part, width) in text.graphemes(true).rev().map(part) {
        if used + width > room / 2 {
            break;
        }
        used += width;
        back.push(part);
    }
    let mut kept = String::new();
    for (part, width) in front {
        if used + width > room {
            break;
        }
        used += width;
        kept.push_str(&part);
    }
    kept.push_str(ELLIPSIS);
    kept.extend(back.into_iter().rev());
    kept
}

/// The lines of a text, each safe and no longer than a message may be.
pub(super) fn lines_of(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| start_of(line.trim_end(), MESSAGE))
}

/// How many columns a text takes that is safe already. Where the ways to count
/// differ, as with characters that are joined to one, it is the most.
pub(super) fn width(text: &str) -> usize {
    let single = |character| UnicodeWidthChar::width(character).unwrap_or(0);
    text.width().max(text.chars().map(single).sum())
}

/// What is drawn again and again must take as many columns as everybody counts:
/// without what joins characters to one, or changes how the one before looks.
pub(super) fn unjoined(text: &str) -> String {
    let joins = |character: &char| matches!(character, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    text.chars().filter(|character| !joins(character)).collect()
}

/// One character that is seen, as it is written, and its width.
fn part(grapheme: &str) -> (String, usize) {
    let mut part = String::new();
    for character in grapheme.chars().take(MARKS) {
        match character {
            '\n' | '\r' | '\t' => part.extend(character.escape_default()),
            _ if is_unsafe(character) => {
                // A string takes all that is written to it.
                let _ = write!(part, "{}", character.escape_unicode());
            }
            _ => part.push(character),
        }
    }
    let width = width(&part);
    (part, width)
}

/// Whether it may do something to a terminal, or is not seen and may hide what
/// is.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}
