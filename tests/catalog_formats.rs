//! One table for all formats of serde: what is written comes back, and what is
//! cut off, no text or of the wrong type is told with its place.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fs;

use entourage::{Catalog, Data, DataType, FileDataset, Format};
use pipelines::{Folder, load_with, with_each_runner};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u32,
    note: String,
    share: Option<f64>,
}

const ROWS: Data<[Row]> = Data::records("rows");
const VALUE: Data<Vec<Row>> = Data::value("rows");
const LOOSE: Data<[serde_json::Value]> = Data::records("rows");
const TREE: Data<serde_json::Value> = Data::value("rows");
const NOTE: Data<str> = Data::text("rows");
const IMAGE: Data<[u8]> = Data::bytes("rows");

fn rows(count: u32) -> Vec<Row> {
    let share = |id: u32| (!id.is_multiple_of(3)).then(|| f64::from(id) / 3.0);
    (1..=count).map(|id| Row { id, note: format!("é, \"{id}\"\n"), share: share(id) }).collect()
}

fn formats_of_records() -> [Format; 4] {
    [Format::Csv(Default::default()), Format::Json, Format::JsonLines, Format::MessagePack]
}

/// A dataset in a file, plain or compressed.
struct Kept {
    _folder: Folder,
    catalog: Catalog,
    file: FileDataset,
}

impl Kept {
    fn new(format: &Format, ending: &str) -> Self {
        let folder = Folder::new();
        let path = folder.path(&format!("rows.{}{ending}", format.name()));
        let file = FileDataset::new(path, format.clone());
        let catalog = Catalog::builder().file("rows", file.clone()).build().unwrap();
        Self { _folder: folder, catalog, file }
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.file.path()).unwrap()
    }

    /// Loads a file of these bytes; what is wrong comes without dataset and file.
    fn load<T: DataType<Owned: Clone> + ?Sized>(
        &self,
        data: &Data<T>,
        bytes: &[u8],
    ) -> Result<T::Owned, String> {
        fs::write(self.file.path(), bytes).unwrap();
        self.catalog.load(data).map(|value| (*value).clone()).map_err(|error| {
            let told = error.to_string();
            let start = format!("loading dataset `rows` ({}): ", self.file.path().display());
            told.strip_prefix(&start).unwrap_or_else(|| panic!("{told}")).to_owned()
        })
    }
}

#[test]
fn every_format_brings_back_what_it_was_given() {
    for ending in ["", ".gz"] {
        for format in &formats_of_records() {
            let kept = Kept::new(format, ending);
            for count in [0, 1, 20] {
                kept.catalog.save(&ROWS, rows(count)).unwrap();
                assert_eq!(*kept.catalog.load(&ROWS).unwrap(), rows(count), "{format:?}");
            }
        }
        for format in [Format::Json, Format::MessagePack] {
            let kept = Kept::new(&format, ending);
            for count in [0, 1, 20] {
                kept.catalog.save(&VALUE, rows(count)).unwrap();
                assert_eq!(*kept.catalog.load(&VALUE).unwrap(), rows(count), "{format:?}");
            }
        }
    }
}

/// What there is of a file of a format without an end of its own is the beginning
/// of what it was: there is no telling that more was to come.
#[test]
fn file_cut_off_at_any_byte_is_an_error_or_the_beginning_of_what_it_was() {
    for format in &formats_of_records() {
        let has_end = matches!(format, Format::Json);
        let kept = Kept::new(format, "");
        kept.catalog.save(&ROWS, rows(20)).unwrap();
        let whole = kept.bytes();
        let mut beginnings = 0;
        for len in 0..whole.len() {
            let Ok(found) = kept.load(&ROWS, &whole[..len]) else { continue };
            let expected = rows(20);
            // The last field of a text may be cut and still be one.
            let sure = if matches!(format, Format::Csv(_)) {
                found.len().saturating_sub(1)
            } else {
                found.len()
            };
            assert_eq!(found[..sure], expected[..sure], "{format:?} {len}");
            beginnings += usize::from(found.len() < 20);
        }
        assert_eq!(beginnings == 0, has_end, "{format:?}");
    }
    for format in [Format::Json, Format::MessagePack] {
        let kept = Kept::new(&format, "");
        kept.catalog.save(&VALUE, rows(20)).unwrap();
        let whole = kept.bytes();
        for len in 0..whole.len() {
            match kept.load(&VALUE, &whole[..len]) {
                Ok(found) => assert!(len + 1 == whole.len() && found == rows(20), "{format:?}"),
                Err(told) => assert!(!told.contains("panicked"), "{told}"),
            }
        }
    }
}

#[test]
fn compressed_file_cut_off_at_any_byte_is_an_error() {
    for format in &formats_of_records() {
        let kept = Kept::new(format, ".gz");
        kept.catalog.save(&ROWS, rows(20)).unwrap();
        let whole = kept.bytes();
        for len in 0..whole.len() {
            let told = kept.load(&ROWS, &whole[..len]).unwrap_err();
            assert!(told.ends_with("the file is cut off"), "{format:?} {len}: {told}");
        }
    }
    for (format, bytes) in [(Format::Text, b"text"), (Format::Bytes, b"\x00\xff12")] {
        let kept = Kept::new(&format, ".gz");
        match format {
            Format::Text => kept.catalog.save(&NOTE, "text".to_owned()).unwrap(),
            _ => kept.catalog.save(&IMAGE, bytes.to_vec()).unwrap(),
        }
        let whole = kept.bytes();
        for len in 0..whole.len() {
            let told = match format {
                Format::Text => kept.load(&NOTE, &whole[..len]).unwrap_err(),
                _ => kept.load(&IMAGE, &whole[..len]).unwrap_err(),
            };
            assert!(told.ends_with("the file is cut off"), "{told}");
        }
    }
}

#[test]
fn wrong_type_in_row_17_is_told_with_row_and_field() {
    for (format, expected) in formats_of_records().iter().zip([
        "row 17 (line 18), column `id`: expected a whole number of 32 bits, not negative, found `x`",
        "row 17, field `id`: invalid type: string \"x\", expected u32 at line 83 column 13",
        "line 17, column 9, field `id`: invalid type: string \"x\", expected u32",
        "row 17, byte 437, field `id`: a value of another type is expected here, found text",
    ]) {
        let kept = Kept::new(format, "");
        let row = |id: u32| json!({"id": id, "note": "n", "share": 0.5});
        let mut loose: Vec<_> = (1..=20).map(row).collect();
        loose[16]["id"] = json!("x");
        kept.catalog.save(&LOOSE, loose).unwrap();
        let told = kept.load(&ROWS, &kept.bytes()).unwrap_err();
        assert_eq!(told, expected);
        with_each_runner(|runner| {
            let told = load_with(runner, &ROWS, &kept.file).unwrap_err();
            let path = kept.file.path().display();
            let start = format!("node `read` failed: loading dataset `rows` ({path}): ");
            assert_eq!(told, format!("{start}{expected}"));
        });
    }
}

#[test]
fn what_is_no_text_is_told_with_its_row() {
    for (format, expected) in formats_of_records().iter().zip([
        "row 17 (line 18), column `note`: expected text in UTF-8",
        "row 17, field `note`: invalid unicode code point",
        "line 17, column",
        "row 17, byte ",
    ]) {
        let kept = Kept::new(format, "");
        let note = |id: u32| if id == 17 { "here" } else { "n" }.to_owned();
        let rows: Vec<_> = (1..=20).map(|id| Row { id, note: note(id), share: None }).collect();
        kept.catalog.save(&ROWS, rows).unwrap();
        let mut bytes = kept.bytes();
        let at = bytes.windows(4).position(|four| four == b"here").unwrap();
        bytes[at] = 0xff;
        let told = kept.load(&ROWS, &bytes).unwrap_err();
        assert!(told.starts_with(expected), "{format:?}: {told}");
    }
}

#[test]
fn empty_file_is_no_value_and_where_rows_stand_alone_no_rows() {
    for (format, expected) in [
        (Format::Json, "EOF while parsing a value at line 1 column 0"),
        (Format::MessagePack, "byte 0: the data ends too early: the file is cut off"),
    ] {
        assert_eq!(Kept::new(&format, "").load(&VALUE, b"").unwrap_err(), expected);
    }
    for format in [Format::JsonLines, Format::MessagePack] {
        assert_eq!(Kept::new(&format, "").load(&ROWS, b"").unwrap(), []);
    }
    assert_eq!(Kept::new(&Format::Text, "").load(&NOTE, b"").unwrap(), "");
    assert!(Kept::new(&Format::Bytes, "").load(&IMAGE, b"").unwrap().is_empty());
}

#[test]
fn message_pack_takes_nothing_after_its_value() {
    let kept = Kept::new(&Format::MessagePack, "");
    kept.catalog.save(&TREE, json!([1])).unwrap();
    let told = kept.load(&TREE, &[kept.bytes(), b"abc".to_vec()].concat()).unwrap_err();
    assert_eq!(told, "byte 2: the value ends here, and 3 more bytes follow");
    // After a record there may be another, but not anything.
    kept.catalog.save(&ROWS, rows(2)).unwrap();
    let told = kept.load(&ROWS, &[kept.bytes(), vec![7]].concat()).unwrap_err();
    assert!(told.starts_with("row 3, byte "), "{told}");
    assert!(told.ends_with("invalid type: integer `7`, expected struct Row"), "{told}");
}

#[test]
fn message_pack_of_a_field_deep_down_is_told_by_its_path() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Model {
        layers: Vec<Layer>,
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Layer {
        weights: Vec<f64>,
    }
    const MODEL: Data<Model> = Data::value("rows");
    for format in [Format::Json, Format::MessagePack] {
        let kept = Kept::new(&format, "");
        let wrong = json!({"layers": [{"weights": [1.0]}, {"weights": [0.5, true]}]});
        kept.catalog.save(&TREE, wrong).unwrap();
        let told = kept.load(&MODEL, &kept.bytes()).map(drop).unwrap_err();
        assert!(told.contains("field `layers[1].weights[1]`: invalid type: boolean"), "{told}");
    }
}

#[test]
fn message_pack_of_any_depth_or_length_is_an_error_where_it_is_not_a_value() {
    let kept = Kept::new(&Format::MessagePack, "");
    // Arrays in arrays, and headers of what is much longer than the file.
    let deep = vec![0x91; 1 << 20];
    for bytes in
        [&deep[..], b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"]
    {
        fs::write(kept.file.path(), bytes).unwrap();
        with_each_runner(|runner| {
            let told = load_with(runner, &TREE, &kept.file).map(drop).unwrap_err();
            assert!(told.starts_with("node `read` failed: loading dataset `rows`"), "{told}");
        });
    }
}
