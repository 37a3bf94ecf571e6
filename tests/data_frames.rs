//! Data frames of polars, in Parquet and in Arrow IPC files.

#![cfg(feature = "polars")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fs;

use entourage::{Catalog, Chunks, Data, FileDataset, Pipeline, RunOptions, node};
use pipelines::{Folder, told, with_each_runner};
use polars::df;
use polars::frame::DataFrame;

const TABLE: Data<DataFrame> = Data::frame("table");
const TALL: Data<DataFrame> = Data::frame("tall");
const ROWS: Data<usize> = Data::value("rows");

fn table() -> DataFrame {
    let names = [Some("Kennedy"), None, Some("Über, \"x\"")];
    df!("name" => names, "delay" => [0.1 + 0.2, f64::MAX, -0.0], "seats" => [1u32, 2, 3]).unwrap()
}

/// A file of each kind, plain and compressed.
fn files(folder: &Folder) -> Vec<FileDataset> {
    let path = |name: &str| folder.path(name);
    vec![
        FileDataset::parquet(path("table.parquet")),
        FileDataset::arrow(path("table.arrow")),
        FileDataset::parquet(path("table.parquet.gz")),
        FileDataset::arrow(path("table.arrow.gz")),
    ]
}

fn catalog(file: &FileDataset) -> Catalog {
    Catalog::builder().file("table", file.clone()).build().unwrap()
}

#[test]
fn frame_comes_back_as_it_was_empty_ones_too() {
    let folder = Folder::new();
    for file in files(&folder) {
        let catalog = catalog(&file);
        let wide = df!("only" => [0i32; 0]).unwrap();
        for frame in [table(), table().clear(), wide, DataFrame::empty()] {
            catalog.save(&TABLE, frame.clone()).unwrap();
            let back = catalog.load(&TABLE).unwrap();
            assert!(back.equals_missing(&frame), "{file:?}: {back} {frame}");
            assert_eq!(back.schema(), frame.schema());
        }
    }
    assert!(folder.names().iter().all(|name| !name.ends_with(".part")));
}

#[test]
fn nodes_share_frames_through_files_with_each_runner() {
    let folder = Folder::new();
    for file in files(&folder) {
        with_each_runner(|runner| {
            let make = node(table).reads(()).writes(TABLE).named("make");
            let tall = node(|table: &DataFrame| table.vstack(table)).reads(TABLE).writes(TALL);
            let count = node(|tall: &DataFrame| tall.height()).reads(TALL).writes(ROWS);
            let pipeline =
                Pipeline::new([make, tall.named("double"), count.named("count")]).unwrap();
            let mut report = runner.run(&pipeline, &catalog(&file), RunOptions::new()).unwrap();
            assert_eq!(report.take_output(&ROWS), Some(6));
        });
    }
}

#[test]
fn catalog_file_chooses_the_format() {
    let folder = Folder::new();
    let yaml = format!(
        "table: {{type: parquet, path: {0}/a.parquet}}\ntall: {{type: arrow, path: {0}/a.arrow}}\n",
        folder.path("").display()
    );
    let catalog = Catalog::from_yaml_file(folder.write("catalog.yml", yaml)).unwrap();
    for data in [TABLE, TALL] {
        catalog.save(&data, table()).unwrap();
        assert!(catalog.load(&data).unwrap().equals_missing(&table()));
    }
    assert!(fs::read(folder.path("a.parquet")).unwrap().starts_with(b"PAR1"));
    assert!(fs::read(folder.path("a.arrow")).unwrap().starts_with(b"ARROW1"));
}

#[test]
fn file_cut_off_at_any_byte_is_an_error_with_dataset_and_file() {
    let folder = Folder::new();
    for file in files(&folder) {
        let catalog = catalog(&file);
        catalog.save(&TABLE, table()).unwrap();
        let whole = fs::read(file.path()).unwrap();
        for len in 0..whole.len() {
            fs::write(file.path(), &whole[..len]).unwrap();
            let told = catalog.load(&TABLE).unwrap_err().to_string();
            let start = format!("loading dataset `table` ({}): ", file.path().display());
            let what = told.strip_prefix(&start).unwrap_or_else(|| panic!("{told}"));
            let known = ["is empty", "cut off", "it is no file of"];
            assert!(known.iter().any(|known| what.contains(known)), "{len}: {told}");
        }
    }
}

#[test]
fn foreign_file_is_told_before_the_run() {
    let folder = Folder::new();
    let count = node(|table: &DataFrame| table.height()).reads(TABLE).writes(ROWS).named("count");
    let pipeline = Pipeline::new([count]).unwrap();
    for file in files(&folder) {
        let other = match file.format().name() {
            "parquet" => FileDataset::arrow(file.path()),
            _ => FileDataset::parquet(file.path()),
        };
        catalog(&other).save(&TABLE, table()).unwrap();
        with_each_runner(|runner| {
            let run = runner.run(&pipeline, &catalog(&file), RunOptions::new());
            let told = told(run.unwrap_err());
            let (name, path) = (file.format().name(), file.path().display());
            let expected =
                format!("dataset `table`: {path}: it is no file of {name}, which begins");
            assert!(told.starts_with(&format!("refused: {expected}")), "{told}");
        });
    }
}

#[test]
fn frame_is_no_csv_and_records_are_no_parquet() {
    const RECORDS: Data<[(u32, u32)]> = Data::records("table");
    let folder = Folder::new();
    let refused = |pipeline: Pipeline, file: FileDataset| {
        let run =
            entourage::SequentialRunner::new().run(&pipeline, &catalog(&file), RunOptions::new());
        told(run.map(drop).unwrap_err())
    };
    let frame = Pipeline::new([node(table).reads(()).writes(TABLE).named("make")]).unwrap();
    let told = refused(frame, FileDataset::csv(folder.path("a.csv")));
    assert!(told.ends_with("it is of the frame family, which cannot be stored as csv"), "{told}");
    let make = node(|| vec![(1, 2)]).reads(()).writes(RECORDS).named("make");
    let told = refused(Pipeline::new([make]).unwrap(), FileDataset::parquet(folder.path("a")));
    let expected = "it is of the records family, which cannot be stored as parquet";
    assert!(told.ends_with(expected), "{told}");
}

#[test]
fn frames_come_in_chunks() {
    fn chunks(out: &mut Chunks<DataFrame>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for _ in 0..3 {
            out.push(table())?;
            out.push(table().clear())?;
        }
        Ok(())
    }
    let folder = Folder::new();
    for file in files(&folder) {
        with_each_runner(|runner| {
            let make = node(chunks).reads(()).yields(TABLE).named("make");
            let pipeline = Pipeline::new([make]).unwrap();
            let catalog = catalog(&file);
            runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
            let expected = table().vstack(&table()).unwrap().vstack(&table()).unwrap();
            assert!(catalog.load(&TABLE).unwrap().equals_missing(&expected));
        });
    }
}

#[test]
fn chunk_of_other_columns_fails_and_leaves_the_old_file() {
    fn chunks(out: &mut Chunks<DataFrame>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        out.push(table())?;
        out.push(df!("other" => [1])?)?;
        Ok(())
    }
    let folder = Folder::new();
    for file in files(&folder) {
        let catalog = catalog(&file);
        catalog.save(&TABLE, table()).unwrap();
        let before = folder.names();
        let make = node(chunks).reads(()).yields(TABLE).named("make");
        let pipeline = Pipeline::new([make]).unwrap();
        let run = entourage::SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new());
        let told = told(run.map(drop).unwrap_err());
        assert!(told.starts_with("node `make` failed: "), "{told}");
        assert!(catalog.load(&TABLE).unwrap().equals_missing(&table()));
        assert_eq!(folder.names(), before);
    }
}

#[test]
fn frame_of_several_row_groups_comes_back() {
    let folder = Folder::new();
    let rows = (1 << 18) + 7;
    let numbers: Vec<u32> = (0..rows).collect();
    let frame = df!("n" => numbers).unwrap();
    for file in files(&folder) {
        let catalog = catalog(&file);
        catalog.save(&TABLE, frame.clone()).unwrap();
        assert!(catalog.load(&TABLE).unwrap().equals(&frame));
    }
}
