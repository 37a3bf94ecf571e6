//! The lines of many small texts, against what the `csv` crate makes of them.

use csv::{ByteRecord, ReaderBuilder};

use super::super::row::Fields;
use super::Lines;

/// The fields of every line, or `None` where `Lines` gives up.
fn by_lines(text: &[u8], width: usize) -> Option<Vec<Vec<Vec<u8>>>> {
    let mut lines = Lines::new(text, b',', width);
    let at_most = lines.at_most();
    let mut rows = Vec::new();
    while lines.advance()? {
        rows.push((0..width).map(|at| lines.field(at).to_vec()).collect());
    }
    assert!(rows.len() <= at_most);
    Some(rows)
}

/// The fields of every line, or `None` where they are not all as wide.
fn by_csv(text: &[u8], width: usize) -> Option<Vec<Vec<Vec<u8>>>> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let rows: Vec<ByteRecord> = reader.byte_records().map(Result::unwrap).collect();
    let even = rows.iter().all(|row| row.len() == width);
    even.then(|| rows.iter().map(|row| row.iter().map(<[u8]>::to_vec).collect()).collect())
}

/// The same numbers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

#[test]
fn lines_are_cut_as_the_csv_crate_cuts_them_or_given_up() {
    let mut random = Random(7);
    let (mut read, mut given_up) = (0, 0);
    for _ in 0..20_000 {
        let width = 1 + random.below(5);
        let mut text = Vec::new();
        for _ in 0..random.below(12) {
            // Now and then a blank line, or one of another width.
            let fields = match random.below(60) {
                0 => random.below(7),
                1..10 => 0,
                _ => width,
            };
            for at in 0..fields {
                text.extend_from_slice(if at > 0 { b"," } else { b"" });
                text.extend((0..random.below(9)).map(|_| b"0Z-\xc3"[random.below(4) as usize]));
            }
            text.extend_from_slice(if random.below(2) == 0 { b"\n" } else { b"\r\n" });
        }
        let width = width as usize;
        let (ours, theirs) = (by_lines(&text, width), by_csv(&text, width));
        assert_eq!(ours, theirs, "{width} fields of {}", text.escape_ascii());
        if ours.is_some() { read += 1 } else { given_up += 1 }
    }
    assert!(read > 10_000 && given_up > 1_000, "{read} read, {given_up} given up");
}

#[test]
fn a_line_end_within_a_row_is_found_at_the_end() {
    assert_eq!(by_lines(b"1,2\n3\n", 3), None);
    assert_eq!(by_lines(b"1\n2,3\n", 3), None);
    assert_eq!(by_lines(b"1,2,3\n\n\r\n", 3), by_csv(b"1,2,3\n", 3));
}
