//! What is written to a file can be read again, and a file that cannot be read
//! is told with its place.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use entourage::{CsvOptions, Data, FileDataset};
use pipelines::{Folder, load, save};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Jet,
    #[serde(rename = "prop, old")]
    Propeller,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Metres(f64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Plane {
    tail: String,
    kind: Kind,
    span: Metres,
    #[serde(rename = "seats in all")]
    seats: Option<u16>,
    grade: char,
    is_old: bool,
}

const PLANES: Data<[Plane]> = Data::records("planes");

fn plane(tail: &str, kind: Kind, span: f64, seats: Option<u16>) -> Plane {
    Plane { tail: tail.to_owned(), kind, span: Metres(span), seats, grade: 'ß', is_old: false }
}

fn planes() -> Vec<Plane> {
    vec![
        plane("N1", Kind::Jet, 0.1 + 0.2, Some(180)),
        plane("", Kind::Propeller, -1e-300, None),
        plane("a \"quoted\",\r\nname; with\tall", Kind::Jet, 1e22, Some(0)),
        plane(" über ", Kind::Propeller, 0.0, None),
    ]
}

/// A table of whole numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    a: i32,
    b: Option<u8>,
    c: String,
}

const ROWS: Data<[Row]> = Data::records("rows");

fn row(a: i32, b: Option<u8>, c: &str) -> Row {
    Row { a, b, c: c.to_owned() }
}

/// Reads a CSV file of this content.
fn rows(content: impl AsRef<[u8]>) -> Result<Vec<Row>, String> {
    let folder = Folder::new();
    let file = FileDataset::csv(folder.write("rows.csv", content));
    load(&ROWS, &file).map_err(|told| plain(&told, file.path()))
}

/// A message without the folder that the file is in.
fn plain(told: &str, path: &Path) -> String {
    told.replace(&format!("{}/", path.parent().unwrap().display()), "")
}

#[track_caller]
fn assert_told<T>(outcome: Result<T, String>, expected: &str) {
    let told = outcome.err().expect("nothing went wrong");
    assert_eq!(told, expected);
}

const READING: &str = "node `read` failed: loading dataset `rows` (rows.csv): ";

#[test]
fn records_come_back_from_every_format_plain_and_compressed() {
    let folder = Folder::new();
    let semicolons = |file: FileDataset| file.csv_options(CsvOptions::default().delimiter(b';'));
    for ending in ["", ".gz", ".GZ"] {
        let path = |name: &str| folder.path(&format!("{name}{ending}"));
        let files = [
            FileDataset::csv(path("planes.csv")),
            semicolons(FileDataset::csv(path("semicolons.csv"))),
            FileDataset::json(path("planes.json")),
            FileDataset::json_lines(path("planes.jsonl")),
            FileDataset::message_pack(path("planes.msgpack")),
        ];
        for file in files {
            save(&PLANES, &file, planes()).unwrap();
            assert_eq!(load(&PLANES, &file).unwrap(), planes(), "{}", file.path().display());
            let start = fs::read(file.path()).unwrap();
            assert_eq!(start.starts_with(&[0x1f, 0x8b]), !ending.is_empty());
        }
    }
    assert!(folder.names().iter().all(|name| !name.ends_with(".part")));
}

#[test]
fn values_text_and_bytes_come_back_plain_and_compressed() {
    const MODEL: Data<BTreeMap<String, Vec<f64>>> = Data::value("model");
    const NOTE: Data<str> = Data::text("note");
    const IMAGE: Data<[u8]> = Data::bytes("image");
    let folder = Folder::new();
    let model = BTreeMap::from([("weights".to_owned(), vec![0.1, f64::MAX, -0.0])]);
    for ending in ["", ".gz"] {
        let path = |name: &str| folder.path(&format!("{name}{ending}"));
        let files = [
            FileDataset::json(path("model.json")),
            FileDataset::message_pack(path("model.msgpack")),
        ];
        for file in files {
            save(&MODEL, &file, model.clone()).unwrap();
            assert_eq!(load(&MODEL, &file).unwrap(), model);
        }

        let file = FileDataset::text(path("note.md"));
        for text in ["", "\u{feff}# Ein\r\nGrüße\0", "no end"] {
            save(&NOTE, &file, text.to_owned()).unwrap();
            assert_eq!(load(&NOTE, &file).unwrap(), text);
        }

        let file = FileDataset::bytes(path("image.png"));
        let bytes: Vec<u8> = (0..=255).collect();
        save(&IMAGE, &file, bytes.clone()).unwrap();
        assert_eq!(load(&IMAGE, &file).unwrap(), bytes);
    }
}

#[test]
fn empty_tables_keep_their_header() {
    let folder = Folder::new();
    for (name, expected) in
        [("a.csv", "tail,kind,span,seats in all,grade,is_old\n"), ("b.csv.gz", "")]
    {
        let file = FileDataset::csv(folder.path(name));
        save(&PLANES, &file, Vec::new()).unwrap();
        assert_eq!(load(&PLANES, &file).unwrap(), []);
        if !expected.is_empty() {
            assert_eq!(fs::read_to_string(file.path()).unwrap(), expected);
        }
    }
}

#[test]
fn tuples_are_rows_by_position_under_made_up_names() {
    const PAIRS: Data<[(String, f64)]> = Data::records("pairs");
    let folder = Folder::new();
    let file = FileDataset::csv(folder.path("pairs.csv"));
    let pairs = vec![("a".to_owned(), 1.5), ("b".to_owned(), 2.0)];
    save(&PAIRS, &file, pairs.clone()).unwrap();
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "column_1,column_2\na,1.5\nb,2.0\n");
    assert_eq!(load(&PAIRS, &file).unwrap(), pairs);
    save(&PAIRS, &file, Vec::new()).unwrap();
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "column_1,column_2\n");
    assert_eq!(load(&PAIRS, &file).unwrap(), []);

    let wider = FileDataset::csv(folder.write("wider.csv", "name,size,more\nx,3,y\n"));
    assert_eq!(load(&PAIRS, &wider).unwrap(), [("x".to_owned(), 3.0)]);
    let narrow = FileDataset::csv(folder.write("narrow.csv", "name\nx\n"));
    let told = load(&PAIRS, &narrow).unwrap_err();
    assert!(
        told.ends_with("2 columns are read, and there are 1 (the columns are `name`)"),
        "{told}"
    );
}

#[test]
fn maps_are_rows_whose_columns_are_those_of_the_first() {
    type Map = BTreeMap<String, Option<f64>>;
    const MAPS: Data<[Map]> = Data::records("maps");
    let map = |entries: &[(&str, Option<f64>)]| -> Map {
        entries.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    };
    let folder = Folder::new();
    let file = FileDataset::csv(folder.path("maps.csv"));
    let maps = vec![map(&[("x", Some(0.5)), ("y", None)]), map(&[("x", None), ("y", Some(2.0))])];
    save(&MAPS, &file, maps.clone()).unwrap();
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "x,y\n0.5,\n,2.0\n");
    assert_eq!(load(&MAPS, &file).unwrap(), maps);

    let strays = vec![map(&[("x", None)]), map(&[("z", None)])];
    let told = save(&MAPS, &file, strays).unwrap_err();
    assert!(told.ends_with("row 2: column `z` is not among those of row 1"), "{told}");
    assert_eq!(load(&MAPS, &file).unwrap(), maps, "the file as it was");

    save(&MAPS, &file, Vec::new()).unwrap();
    assert_eq!(load(&MAPS, &file).unwrap(), []);
    let twice = FileDataset::csv(folder.write("twice.csv", "x,y,x\n1,2,3\n"));
    let told = load(&MAPS, &twice).unwrap_err();
    assert!(told.ends_with("column `x` is there twice (the columns are `x`, `y`, `x`)"), "{told}");
}

#[test]
fn record_of_one_value_is_no_row_and_that_is_said_before_the_run() {
    const NUMBERS: Data<[f64]> = Data::records("numbers");
    let folder = Folder::new();
    let file = FileDataset::csv(folder.write("numbers.csv", "n\n1\n"));
    let told = "a row of a CSV file is a struct, a map or a tuple, and `f64` is none of them";
    for outcome in [load(&NUMBERS, &file).map(drop), save(&NUMBERS, &file, vec![1.0])] {
        let found = outcome.unwrap_err();
        assert!(found.starts_with("refused: ") && found.ends_with(told), "{found}");
    }
    let file = FileDataset::json(folder.path("numbers.json"));
    save(&NUMBERS, &file, vec![1.0]).unwrap();
    assert_eq!(load(&NUMBERS, &file).unwrap(), [1.0]);
}

#[test]
fn columns_are_found_by_name_and_others_left_unread() {
    let expected = vec![row(1, None, "x"), row(2, Some(3), "")];
    for content in [
        "a,b,c\n1,,x\n2,3,\n",
        "c,unread,b,a\nx,\u{fffd},,1\n,5,3,2\n",
        "\u{feff}a,b,c\n1,,x\n2,3,",
        "a,b,c\r\n1,,x\r\n2,3,\r\n",
        "a,b,c\r1,,x\r2,3,\r",
        "\"a\",\"b\",c\n\"1\",,\"x\"\n2,\"3\",\"\"\n",
        "\na,b,c\n\n1,,x\n\n\n2,3,\n\n",
        "\r\na,b,c\r\n\r\n1,,x\r\n\r\n2,3,",
    ] {
        assert_eq!(rows(content).as_ref(), Ok(&expected), "{content:?}");
    }
}

#[test]
fn byte_order_mark_is_no_part_of_json() {
    let folder = Folder::new();
    let content = "\u{feff}[{\"a\": 1, \"b\": null, \"c\": \"x\"}]";
    let file = FileDataset::json(folder.write("rows.json", content));
    assert_eq!(load(&ROWS, &file).unwrap(), [row(1, None, "x")]);
    let content =
        "\u{feff}{\"a\": 1, \"b\": 2, \"c\": \"x\"}\r\n\r\n{\"a\": 2, \"b\": null, \"c\": \"\"}";
    let file = FileDataset::json_lines(folder.write("rows.jsonl", content));
    assert_eq!(load(&ROWS, &file).unwrap(), [row(1, Some(2), "x"), row(2, None, "")]);
}

#[test]
fn texts_for_a_missing_value_are_none_or_empty() {
    let folder = Folder::new();
    let file = FileDataset::csv(folder.write("rows.csv", "a,b,c\n1,NA,NA\n2,-,\"-\"\n3,4,N\n"))
        .csv_options(CsvOptions::default().missing(["NA", "-"]));
    let expected = [row(1, None, ""), row(2, None, ""), row(3, Some(4), "N")];
    assert_eq!(load(&ROWS, &file).unwrap(), expected);

    let file = FileDataset::csv(folder.write("rows.csv", "a,b,c\nNA,1,x\n"))
        .csv_options(CsvOptions::default().missing(["NA"]));
    let told = load(&ROWS, &file).map_err(|told| plain(&told, file.path()));
    let what = "row 1 (line 2), column `a`: expected a whole number of 32 bits, found `NA`";
    assert_told(told, &format!("{READING}{what}"));
}

#[test]
fn what_is_wrong_with_a_header_is_said_before_the_run() {
    let refused = |what: &str| format!("refused: dataset `rows`: rows.csv: {what}");
    let cases = [
        ("", "the file is empty; a header row was expected"),
        (
            "a;b;c\n",
            "column `a` is missing; column `b` is missing; column `c` is missing \
                     (the columns are `a;b;c`)",
        ),
        ("a,B,c\n1,2,3\n", "column `b` is missing (the columns are `a`, `B`, `c`)"),
        ("a,b,c,b\n", "column `b` is there twice (the columns are `a`, `b`, `c`, `b`)"),
    ];
    for (content, what) in cases {
        assert_told(rows(content), &refused(what));
    }
    let told = rows(b"a,b\xff,c\n").unwrap_err();
    assert!(told.starts_with(&refused("the header: ")) && told.contains("utf-8"), "{told}");

    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Long {
        dep_delay: f64,
    }
    let folder = Folder::new();
    let file = FileDataset::csv(folder.write("rows.csv", "dep_dely\n1\n"));
    let told = load(&Data::<[Long]>::records("long"), &file).unwrap_err();
    assert!(told.contains("column `dep_delay` is missing; did you mean `dep_dely`?"), "{told}");
}

#[test]
fn text_where_a_number_belongs_is_told_with_row_line_column_and_what_was_found() {
    let cases = [
        (
            "a,b,c\n1,2,x\nmany,2,x\n",
            "row 2 (line 3), column `a`: expected a whole number of 32 bits, found `many`",
        ),
        (
            "a,b,c\n1,256,x\n",
            "row 1 (line 2), column `b`: expected a whole number from 0 to 255, found `256`",
        ),
        (
            "a,b,c\n,2,x\n",
            "row 1 (line 2), column `a`: expected a whole number of 32 bits, found nothing",
        ),
        // Blank lines and line ends of two bytes are lines, not rows.
        (
            "a,b,c\r\n\r\n1,2,x\r\n\r\n1.5,2,x\r\n",
            "row 2 (line 5), column `a`: expected a whole number of 32 bits, found `1.5`",
        ),
        (
            "a,b,c\r1,2,x\ry,2,x\r",
            "row 2 (line 3), column `a`: expected a whole number of 32 bits, found `y`",
        ),
        // A field of two lines.
        (
            "a,b,c\n1,2,\"x\ny\"\nz,2,x\n",
            "row 2 (line 4), column `a`: expected a whole number of 32 bits, found `z`",
        ),
        (
            "c,a,b\n\"x,\",\"\"\"\",2\n",
            "row 1 (line 2), column `a`: expected a whole number of 32 bits, found `\"`",
        ),
    ];
    for (content, what) in cases {
        assert_told(rows(content), &format!("{READING}{what}"));
    }
    let told = rows(format!("a,b,c\n\"x\ny\x1b{}\",2,x\n", "z".repeat(100))).unwrap_err();
    let found = format!("x\\ny\\u{{1b}}{}…", "z".repeat(56));
    let what = "row 1 (line 2), column `a`: expected a whole number of 32 bits, found";
    assert_eq!(told, format!("{READING}{what} `{found}`"), "short, and on one line");
    let told = rows(b"a,b,c\n1,2,\xff\n").unwrap_err();
    let what = "row 1 (line 2), column `c`: expected text in UTF-8, found `\u{fffd}`";
    assert_eq!(told, format!("{READING}{what}"));
}

#[test]
fn ragged_rows_are_told() {
    for (line, fields) in [("3,4", 2), ("3,4,x,y", 4), ("\"3\"", 1)] {
        let what = format!("row 2 (line 3): {fields} fields, where the header has 3");
        assert_told(rows(format!("a,b,c\n1,2,x\n{line}\n5,6,y\n")), &format!("{READING}{what}"));
    }
}

#[test]
fn unknown_variant_and_odd_values_are_told_in_the_words_of_their_type() {
    let folder = Folder::new();
    let header = "tail,kind,span,seats in all,grade,is_old\n";
    let cases = [
        (
            "N1,Glider,1,2,A,true",
            "kind",
            "unknown variant `Glider`, expected `Jet` or `prop, old`, found `Glider`",
        ),
        ("N1,Jet,wide,2,A,true", "span", "expected a number, found `wide`"),
        ("N1,Jet,1,2,AB,true", "grade", "expected one character, found `AB`"),
        ("N1,Jet,1,2,A,yes", "is_old", "expected true or false, found `yes`"),
        (
            "N1,Jet,1,-2,A,true",
            "seats in all",
            "expected a whole number from 0 to 65535, found `-2`",
        ),
    ];
    for (line, column, what) in cases {
        let file = FileDataset::csv(folder.write("rows.csv", format!("{header}{line}\n")));
        let told = load(&PLANES, &file).unwrap_err();
        let expected = format!("row 1 (line 2), column `{column}`: {what}");
        assert!(told.ends_with(&expected), "{told} for {expected}");
    }
}

#[test]
fn json_is_told_with_line_and_column() {
    let folder = Folder::new();
    let json = |content: &[u8]| {
        load(&ROWS, &FileDataset::json(folder.write("rows.json", content))).unwrap_err()
    };
    let told = json(b"[\n  {\"a\": \"x\", \"b\": 1, \"c\": \"\"}\n]");
    assert!(
        told.ends_with("invalid type: string \"x\", expected i32 at line 2 column 11"),
        "{told}"
    );
    assert!(json(b"").ends_with("EOF while parsing a value at line 1 column 0"));
    assert!(json(b"[] []").contains("trailing characters at line 1"));
    assert!(json(b"[{\"c\": \"\xff\"}]").contains("line 1"));

    let lines = |content: &str| {
        load(&ROWS, &FileDataset::json_lines(folder.write("rows.jsonl", content))).unwrap_err()
    };
    let told = lines("{\"a\": 1, \"b\": 2, \"c\": \"\"}\n\n{\"a\": 1, \"b\": 2}\n");
    assert!(told.ends_with("rows.jsonl): line 3, column 16: missing field `c`"), "{told}");
}

#[test]
fn text_that_is_not_utf8_is_told_with_its_line() {
    const NOTE: Data<str> = Data::text("note");
    let folder = Folder::new();
    let file = FileDataset::text(folder.write("note.txt", b"one\ntwo\nthr\xffee\n"));
    let told = load(&NOTE, &file).unwrap_err();
    assert!(told.ends_with("note.txt): not UTF-8 at byte 11, in line 3"), "{told}");
}
