//! Files as storage: gzip, size, atomic saves, links and permissions.

#![cfg(feature = "pipeline")]

#[path = "support/pipelines.rs"]
mod pipelines;

use std::fmt::Write;
use std::fs;
use std::io::Write as _;

use entourage::{Data, FileDataset};
use flate2::Compression;
use flate2::write::GzEncoder;
use pipelines::{Folder, load, load_with, save, with_each_runner, with_thread_runner};
use serde::{Deserialize, Serialize, Serializer};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u64,
    note: String,
}

const ROWS: Data<[Row]> = Data::records("rows");
const NOTE: Data<str> = Data::text("note");

/// What one leaf parses at a time.
const PIECE: usize = 512 * 1024;

/// Rows of every length up to a hundred, for a bit more than `pieces` pieces.
fn many(pieces: usize) -> Vec<Row> {
    let note = "abcdefghij".repeat(10);
    let row = |id: usize| Row { id: id as u64, note: note[..id % 97].to_owned() };
    (0..pieces * PIECE / 50).map(row).collect()
}

fn csv(rows: &[Row], line_end: &str) -> String {
    let mut text = format!("id,note{line_end}");
    for Row { id, note } in rows {
        write!(text, "{id},{note}{line_end}").unwrap();
    }
    text
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(content).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn big_file_is_the_same_in_pieces_on_a_pool_as_on_one_thread() {
    let folder = Folder::new();
    let expected = many(3);
    for line_end in ["\n", "\r\n"] {
        let text = csv(&expected, line_end);
        assert!(text.len() > 3 * PIECE);
        let trimmed = text.trim_end();
        // A quote in the last row sends the file down the careful path.
        let quoted = format!("{trimmed}\"\"{line_end}7,\"x\"");
        for content in [&text, trimmed] {
            let file = FileDataset::csv(folder.write("rows.csv", content));
            with_each_runner(|runner| {
                assert!(load_with(runner, &ROWS, &file).unwrap() == expected);
            });
        }
        let file = FileDataset::csv(folder.write("quoted.csv", quoted));
        let rows = load(&ROWS, &file).unwrap();
        assert_eq!(rows.len(), expected.len() + 1);
        assert_eq!(rows.last().unwrap(), &Row { id: 7, note: "x".into() });
        let file = FileDataset::csv(folder.write("rows.csv.gz", gzip(text.as_bytes())));
        with_thread_runner(2, |runner| {
            assert!(load_with(runner, &ROWS, &file).unwrap() == expected);
        });
    }
}

#[test]
fn line_that_begins_where_a_piece_does_is_read_once() {
    const LINE: usize = 64;
    let folder = Folder::new();
    let note = |length: usize| "n".repeat(length - "0000000000,\n".len());
    for first in [LINE - 1, LINE, LINE + 1] {
        let length = |id: usize| if id == 0 { first } else { LINE };
        let row = |id: usize| Row { id: id as u64, note: note(length(id)) };
        let rows: Vec<_> = (0..3 * PIECE / LINE).map(row).collect();
        let mut text = "id,note\n".to_owned();
        for Row { id, note } in &rows {
            writeln!(text, "{id:010},{note}").unwrap();
        }
        let file = FileDataset::csv(folder.write("rows.csv", text));
        with_each_runner(|runner| assert!(load_with(runner, &ROWS, &file).unwrap() == rows));
    }
}

#[test]
fn line_longer_than_a_piece_is_read_whole() {
    let folder = Folder::new();
    let row = |id, length| Row { id, note: "x".repeat(length) };
    let rows = vec![row(1, 10), row(2, 3 * PIECE), row(3, PIECE), row(4, 0), row(5, PIECE - 4)];
    let file = FileDataset::csv(folder.write("rows.csv", csv(&rows, "\n")));
    with_each_runner(|runner| assert!(load_with(runner, &ROWS, &file).unwrap() == rows));
}

#[test]
fn error_in_the_last_piece_has_the_row_of_the_file() {
    let folder = Folder::new();
    let rows = many(3);
    let text = csv(&rows, "\n") + "nine,x\n";
    let file = FileDataset::csv(folder.write("rows.csv", text));
    let (row, line) = (rows.len() + 1, rows.len() + 2);
    let expected = format!(
        "row {row} (line {line}), column `id`: expected a whole number of 64 bits, \
         not negative, found `nine`"
    );
    with_each_runner(|runner| {
        let told = load_with(runner, &ROWS, &file).unwrap_err();
        assert!(told.ends_with(&expected), "{told}");
    });
}

#[test]
fn truncated_gzip_is_told_before_the_run_or_when_it_is_met() {
    let folder = Folder::new();
    let cut_off = "the gzip data ends too early: the file is cut off";
    let short = gzip(csv(&[Row { id: 1, note: "x".into() }], "\n").as_bytes());
    for content in [&short[..short.len() - 4], &short[..5], &[]] {
        let file = FileDataset::csv(folder.write("rows.csv.gz", content));
        let told = load(&ROWS, &file).unwrap_err();
        assert!(told.starts_with("refused: ") && told.ends_with(cut_off), "{told}");
    }
    let long = gzip(csv(&many(1), "\n").as_bytes());
    let file = FileDataset::csv(folder.write("rows.csv.gz", &long[..long.len() / 2]));
    let told = load(&ROWS, &file).unwrap_err();
    assert!(told.starts_with("node `read` failed: loading dataset `rows`"), "{told}");
    assert!(told.ends_with(cut_off), "{told}");
}

#[test]
fn file_that_is_no_gzip_or_is_damaged_is_told() {
    let folder = Folder::new();
    let file = FileDataset::csv(folder.write("rows.csv.gz", "id,note\n1,x\n"));
    let told = load(&ROWS, &file).unwrap_err();
    assert!(told.starts_with("refused: ") && told.contains("the gzip data is damaged: "), "{told}");
    let mut damaged = gzip(csv(&many(1), "\n").as_bytes());
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0xff);
    let file = FileDataset::csv(folder.write("rows.csv.gz", damaged));
    let told = load(&ROWS, &file).unwrap_err();
    assert!(told.contains("the gzip data is damaged: "), "{told}");
}

#[test]
fn gzip_of_several_members_is_one_file() {
    let folder = Folder::new();
    let content = [gzip(b"id,note\n1,x\n"), gzip(b"2,y\n")].concat();
    let file = FileDataset::csv(folder.write("rows.csv.gz", content));
    let ids: Vec<_> = load(&ROWS, &file).unwrap().iter().map(|row| row.id).collect();
    assert_eq!(ids, [1, 2]);
}

/// A record that cannot be written where its number is negative.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Fragile {
    n: i64,
}

impl Serialize for Fragile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeStruct};
        if self.n < 0 {
            return Err(S::Error::custom("it is negative"));
        }
        assert!(self.n != 13, "thirteen");
        let mut row = serializer.serialize_struct("Fragile", 1)?;
        row.serialize_field("n", &self.n)?;
        row.end()
    }
}

#[test]
fn save_that_fails_half_way_leaves_the_old_file_whole_and_nothing_beside_it() {
    const FRAGILE: Data<[Fragile]> = Data::records("fragile");
    for name in ["rows.csv", "rows.csv.gz", "rows.json", "rows.jsonl", "rows.msgpack"] {
        let folder = Folder::new();
        let path = folder.path(name);
        let file = match name.split('.').nth(1) {
            Some("csv") => FileDataset::csv(path),
            Some("json") => FileDataset::json(path),
            Some("jsonl") => FileDataset::json_lines(path),
            _ => FileDataset::message_pack(path),
        };
        let good: Vec<_> = (100..200).map(|n| Fragile { n }).collect();
        let ending = |n| (100..30_000).chain([n]).map(|n| Fragile { n }).collect::<Vec<_>>();

        let told = save(&FRAGILE, &file, ending(-1)).unwrap_err();
        assert!(told.starts_with("node `write` failed: saving dataset `fragile` ("), "{told}");
        assert!(told.contains("it is negative"), "{told}");
        assert!(folder.names().is_empty(), "{:?}", folder.names());

        save(&FRAGILE, &file, good.clone()).unwrap();
        save(&FRAGILE, &file, ending(-1)).unwrap_err();
        let told = save(&FRAGILE, &file, ending(13)).unwrap_err();
        assert!(told.contains("panicked at") && told.ends_with(": thirteen"), "{told}");
        assert_eq!(load(&FRAGILE, &file).unwrap(), good);
        assert_eq!(folder.names(), [name]);
    }
}

#[test]
fn unwritable_rows_are_told_by_number() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Nested {
        list: Vec<u32>,
    }
    const NESTED: Data<[Nested]> = Data::records("nested");
    const PAIRS: Data<[(u32, (u32, u32))]> = Data::records("pairs");
    let folder = Folder::new();
    let file = FileDataset::csv(folder.path("rows.csv"));
    let told = save(&NESTED, &file, vec![Nested { list: vec![1, 2] }]).unwrap_err();
    assert!(told.contains("row 1: ") && told.contains("cannot serialize"), "{told}");
    let told = save(&PAIRS, &file, vec![(1, (2, 3))]).unwrap_err();
    assert!(told.ends_with("row 1: 2 columns, of which one holds several values"), "{told}");
    assert!(folder.names().is_empty());
}

#[test]
fn folders_are_made_for_a_file() {
    let folder = Folder::new();
    let file = FileDataset::text(folder.path("a/b/c.txt"));
    save(&NOTE, &file, "deep".into()).unwrap();
    assert_eq!(load(&NOTE, &file).unwrap(), "deep");
}

#[cfg(unix)]
#[test]
fn new_file_is_as_readable_as_any_and_an_old_one_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let mode = |name: &str| fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777;
    folder.write("plain.txt", "");
    save(&NOTE, &FileDataset::text(folder.path("saved.txt")), "x".into()).unwrap();
    assert_eq!(mode("saved.txt"), mode("plain.txt"));

    let secret = folder.write("secret.txt", "");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    save(&NOTE, &FileDataset::text(&secret), "x".into()).unwrap();
    assert_eq!((mode("secret.txt"), fs::read_to_string(&secret).unwrap().as_str()), (0o600, "x"));
}

#[cfg(unix)]
#[test]
fn link_to_a_file_stays_a_link() {
    let folder = Folder::new();
    fs::create_dir(folder.path("far")).unwrap();
    let far = folder.write("far/note.txt", "old");
    let link = folder.path("note.txt");
    std::os::unix::fs::symlink(&far, &link).unwrap();
    save(&NOTE, &FileDataset::text(&link), "new".into()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&far).unwrap(), "new");
    assert_eq!(folder.names(), ["far", "note.txt"]);
}

#[cfg(unix)]
#[test]
fn pipe_is_read_once_by_the_node_and_not_before() {
    let folder = Folder::new();
    let path = folder.path("pipe.csv");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let writer = std::thread::spawn({
        let path = path.clone();
        move || fs::write(path, "id,note\n1,x\n").unwrap()
    });
    let rows = load(&ROWS, &FileDataset::csv(&path)).unwrap();
    assert_eq!(rows, [Row { id: 1, note: "x".into() }]);
    writer.join().unwrap();

    let told = save(&ROWS, &FileDataset::csv(&path), rows).unwrap_err();
    assert!(told.ends_with("is a device or a pipe, where a file is to be written"), "{told}");
}
