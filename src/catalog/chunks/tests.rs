//! What comes in chunks is what one save makes, in every format, plain and
//! compressed; what is given up leaves nothing.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::ChunkWriter;
use crate::catalog::data::{Data, DataType, Value};
use crate::catalog::place::Over;
use crate::catalog::{Access, Entry, FileDataset, Format};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u32,
    note: Option<String>,
}

const ROWS: Data<[Row]> = Data::records("rows");
const PAIRS: Data<[(u32, String)]> = Data::records("pairs");
const LISTS: Data<[Vec<u32>]> = Data::records("lists");
const MAPS: Data<[BTreeMap<String, u32>]> = Data::records("maps");
const NOTE: Data<str> = Data::text("note");
const IMAGE: Data<[u8]> = Data::bytes("image");

fn formats_of_records() -> [Format; 4] {
    [Format::Csv(Default::default()), Format::Json, Format::JsonLines, Format::MessagePack]
}

fn begin<T: DataType + ?Sized>(data: &Data<T>, file: &FileDataset) -> ChunkWriter {
    let entry = Entry::new(file.clone(), None);
    entry.chunks(&Access::of(data, &data.name())).unwrap().unwrap()
}

fn value<V: Send + Sync + 'static>(value: V) -> Value {
    Arc::new(value)
}

/// Saves the chunks one by one, and then all in one, and compares the files.
#[track_caller]
fn assert_same<T>(data: &Data<T>, format: &Format, chunks: &[T::Owned], whole: T::Owned)
where
    T: DataType<Owned: Clone> + ?Sized,
{
    let folder = tempfile::tempdir().unwrap();
    for ending in ["", ".gz"] {
        let path = |name: &str| folder.path().join(format!("{name}{ending}"));
        let (parts, one) = (path("parts"), path("one"));
        let mut writer = begin(data, &FileDataset::new(&parts, format.clone()));
        for chunk in chunks {
            writer.push(&value(chunk.clone())).unwrap();
        }
        assert!(!parts.exists(), "nobody sees it before it is committed");
        let len = |path: &Path| fs::metadata(path).unwrap().len();
        assert_eq!(writer.commit().unwrap(), len(&parts));
        let file = FileDataset::new(&one, format.clone());
        let written = file.write(data.codec(), &value(whole.clone()), Over::Replace);
        assert_eq!(written.unwrap(), len(&one));
        assert_eq!(file.read(data.codec()).unwrap().1, len(&one));
        // Compressed bytes depend on where a chunk ends.
        let content = |path: &Path| match ending {
            "" => fs::read(path).unwrap(),
            _ => crate::catalog::source::gunzip(&*fs::read(path).unwrap(), u64::MAX).unwrap(),
        };
        let (parts, one) = (content(&parts), content(&one));
        assert!(parts == one, "{}: {} {}", format.name(), parts.escape_ascii(), one.escape_ascii());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn chunks_make_the_file_that_one_save_makes() {
    let row = |id: u32| Row { id, note: (!id.is_multiple_of(3)).then(|| format!("{id}, \"x\"")) };
    let rows: Vec<Row> = (0..10).map(row).collect();
    let lists: Vec<Vec<u32>> = (0..4).map(|n| vec![n, n * 2]).collect();
    let maps: Vec<_> = (0..4).map(|n| BTreeMap::from([("a".to_owned(), n)])).collect();
    let pairs: Vec<_> = (0..4).map(|n| (n, n.to_string())).collect();
    for format in &formats_of_records() {
        for size in [1, 3, 10] {
            let mut chunks: Vec<Vec<Row>> = rows.chunks(size).map(<[Row]>::to_vec).collect();
            // There may be nothing in a chunk, the first and the last too.
            chunks.insert(0, Vec::new());
            chunks.push(Vec::new());
            assert_same(&ROWS, format, &chunks, rows.clone());
        }
        assert_same(&ROWS, format, &[], Vec::new());
        let chunks = |at| [pairs[..at].to_vec(), pairs[at..].to_vec()];
        assert_same(&PAIRS, format, &chunks(1), pairs.clone());
        assert_same(&PAIRS, format, &[], Vec::new());
        let chunks = |at| [lists[..at].to_vec(), lists[at..].to_vec()];
        assert_same(&LISTS, format, &chunks(3), lists.clone());
        let chunks = |at| [maps[..at].to_vec(), maps[at..].to_vec()];
        assert_same(&MAPS, format, &chunks(2), maps.clone());
    }
    let (one, two) = ("über ".to_owned(), "all".to_owned());
    assert_same(&NOTE, &Format::Text, &[one, two], "über all".to_owned());
    assert_same(&NOTE, &Format::Text, &[], String::new());
    assert_same(&IMAGE, &Format::Bytes, &[vec![0, 255], vec![7]], vec![0, 255, 7]);
}

#[test]
fn row_of_a_later_chunk_is_told_by_its_number_in_the_file() {
    #[derive(Deserialize)]
    struct Positive(i64);
    impl Serialize for Positive {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                0.. => BTreeMap::from([("n", self.0)]).serialize(serializer),
                _ => Err(serde::ser::Error::custom("it is negative")),
            }
        }
    }
    const NUMBERS: Data<[Positive]> = Data::records("numbers");
    let folder = tempfile::tempdir().unwrap();
    for format in &formats_of_records()[1..] {
        let path = folder.path().join("numbers");
        let mut writer = begin(&NUMBERS, &FileDataset::new(&path, format.clone()));
        writer.push(&value((0..16).map(Positive).collect::<Vec<_>>())).unwrap();
        let told = writer.push(&value(vec![Positive(-1)])).unwrap_err().to_string();
        let start = format!("saving dataset `numbers` ({}): row 17: ", path.display());
        assert!(told.starts_with(&start) && told.contains("it is negative"), "{told}");
    }
    let csv = FileDataset::csv(folder.path().join("lists.csv"));
    let mut writer = begin(&LISTS, &csv);
    writer.push(&value(vec![vec![1u32, 2]; 16])).unwrap();
    let told = writer.push(&value(vec![vec![1u32, 2, 3]])).unwrap_err().to_string();
    assert!(told.ends_with("row 17: 3 fields, where the rows before have 2"), "{told}");
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn writer_that_is_dropped_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let names = || {
        let entries = fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
    };
    for name in ["note.txt", "note.txt.gz"] {
        let path = folder.path().join(name);
        let file = FileDataset::text(&path);
        let mut writer = begin(&NOTE, &file);
        writer.push(&value("x".repeat(1 << 20))).unwrap();
        drop(writer);
        assert_eq!(names(), <[&str; 0]>::default());

        file.write(NOTE.codec(), &value("before".to_owned()), Over::Replace).unwrap();
        let before = fs::read(&path).unwrap();
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let mut writer = begin(&NOTE, &file);
            writer.push(&value("x".repeat(1 << 20))).unwrap();
            panic!("the node gives up");
        }));
        assert!(ended.is_err());
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(names(), [name]);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn single_value_and_memory_come_in_one_piece() {
    const MODEL: Data<u32> = Data::value("model");
    let access = Access::of(&MODEL, "model");
    let folder = tempfile::tempdir().unwrap();
    let file = FileDataset::json(folder.path().join("model.json"));
    let entries =
        [Entry::new(file, None), Entry::new(crate::catalog::memory::MemorySlot::default(), None)];
    for entry in entries {
        assert!(entry.chunks(&access).unwrap().is_none());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
