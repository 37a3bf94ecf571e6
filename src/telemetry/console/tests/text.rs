//! Texts that fit and do no harm.

use super::super::text::{ends_of, lines_of, start_of, width};
use super::super::units;
use std::time::Duration;

#[test]
fn what_fits_stays_as_it_is() {
    assert_eq!(start_of("clean", 5), "clean");
    assert_eq!(ends_of("clean", 5), "clean");
    assert_eq!(start_of("データ", 6), "データ");
    assert_eq!(ends_of("👩‍👩‍👧‍👦", 8), "👩‍👩‍👧‍👦");
}

#[test]
fn a_message_keeps_its_beginning_and_a_name_both_ends() {
    assert_eq!(start_of("a long message", 7), "a long…");
    assert_eq!(ends_of("space.first.node", 9), "spac…node");
    assert_eq!(ends_of("データの処理", 7), "デー…理");
    assert_eq!(start_of("データ", 4), "デ…");
    assert_eq!((start_of("ab", 1), ends_of("ab", 1)), ("…".into(), "…".into()));
    assert_eq!((start_of("ab", 0), ends_of("ab", 0)), (String::new(), String::new()));
}

#[test]
fn nothing_is_wider_than_it_may_be_whatever_it_is_made_of() {
    let mut texts = vec![String::new()];
    for part in ["a", "データ", "👩‍👩‍👧‍👦", "❤️", "e\u{301}", "\x1b[2J", "\u{202e}", "\n", "🇩🇪", "👍🏽"]
    {
        let longer: Vec<_> = texts.iter().map(|text| format!("{text}{part}x{part}")).collect();
        texts.extend(longer);
        texts.truncate(600);
    }
    for text in &texts {
        for columns in 0..30 {
            for short in [start_of(text, columns), ends_of(text, columns)] {
                assert!(width(&short) <= columns, "{text:?} in {columns}: {short:?}");
                assert!(!short.chars().any(char::is_control), "{short:?}");
            }
        }
    }
}

#[test]
fn marks_without_end_are_cut() {
    let text = format!("a{}b", "\u{301}".repeat(10_000));
    assert!(start_of(&text, 10).len() < 100);
    assert!(ends_of(&"x".repeat(10_000), 10).len() < 20);
}

#[test]
fn a_text_of_several_lines_is_told_line_by_line() {
    let lines: Vec<_> = lines_of("one\r\n  two\tthree\n\n\x1b").collect();
    assert_eq!(lines, ["one", r"  two\tthree", "", r"\u{1b}"]);
}

#[test]
fn times_have_the_unit_that_fits() {
    let told = |micros| units::duration(Duration::from_micros(micros));
    assert_eq!(told(0), "0.0 ms");
    assert_eq!(told(25_840), "25.8 ms");
    assert_eq!(told(999_949), "999.9 ms");
    assert_eq!(told(999_950), "1.0 s");
    assert_eq!(told(59_940_000), "59.9 s");
    assert_eq!(told(59_960_000), "1 min 0 s");
    assert_eq!(told(3_725_000_000), "1 h 2 min");
    assert_eq!(units::duration(Duration::MAX), "277777777777 h 46 min");
}
