//! The catalog used by hand, outside of any run.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use entourage::{Catalog, Data, Dataset, FileDataset};
use pipelines::Folder;

type BoxError = Box<dyn Error + Send + Sync>;

const NOTE: Data<str> = Data::text("note");
const TOP: Data<usize> = Data::parameter("top");
const HELD: Data<[u32]> = Data::memory("held");

#[test]
fn what_is_saved_is_loaded_and_whether_it_is_there_is_known() {
    let folder = Folder::new();
    let catalog = Catalog::builder()
        .file("note", FileDataset::text(folder.path("note.txt")))
        .parameter(&TOP, 3)
        .memory("held")
        .build()
        .unwrap();
    assert_eq!(
        ["note", "held", "params:top", "no"].map(|name| catalog.exists(name).unwrap()),
        [false, false, true, false]
    );
    catalog.save(&NOTE, "a".to_owned()).unwrap();
    catalog.save(&HELD, vec![1]).unwrap();
    assert!(catalog.exists("note").unwrap() && catalog.exists("held").unwrap());
    assert_eq!(*catalog.load(&NOTE).unwrap(), "a");
    assert_eq!(*catalog.load(&HELD).unwrap(), [1]);
    assert_eq!(*catalog.load(&TOP).unwrap(), 3);
}

#[test]
fn memory_is_shared_and_never_copied() {
    let catalog = Catalog::builder().value(&HELD, vec![1, 2]).build().unwrap();
    let (one, other) = (catalog.load(&HELD).unwrap(), catalog.clone().load(&HELD).unwrap());
    assert!(Arc::ptr_eq(&one, &other));
}

#[test]
fn what_goes_wrong_names_the_dataset() {
    let catalog = Catalog::builder()
        .parameter(&TOP, 3)
        .memory("held")
        .value(&Data::<u8>::memory("byte"), 1)
        .build()
        .unwrap();
    let told = [
        catalog.load(&NOTE).unwrap_err(),
        catalog.load(&HELD).unwrap_err(),
        catalog.load(&Data::<u16>::memory("byte")).unwrap_err(),
        catalog.save(&TOP, 4).unwrap_err(),
        catalog.release("hold").unwrap_err(),
        catalog.confirm("hold").unwrap_err(),
    ];
    let expected = [
        "loading dataset `note`: it is not in the catalog",
        "loading dataset `held`: it is in memory, and nothing has been saved there",
        "loading dataset `byte`: it is a `u16` to its nodes and a `u8` in the catalog",
        "saving dataset `params:top`: a parameter cannot be written",
        "releasing dataset `hold`: it is not in the catalog; did you mean `held`?",
        "confirming dataset `hold`: it is not in the catalog; did you mean `held`?",
    ];
    assert_eq!(told.map(|error| error.to_string()), expected);
}

#[test]
fn release_and_confirm_reach_a_dataset_of_ones_own() {
    #[derive(Clone, Default)]
    struct Queue(Arc<[AtomicUsize; 2]>);
    impl Dataset<str> for Queue {
        fn load(&self) -> Result<String, BoxError> {
            Ok("a".to_owned())
        }
        fn save(&self, _: &str) -> Result<(), BoxError> {
            Ok(())
        }
        fn exists(&self) -> Result<bool, BoxError> {
            Ok(true)
        }
        fn release(&self) -> Result<(), BoxError> {
            self.0[0].fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        fn confirm(&self) -> Result<(), BoxError> {
            self.0[1].fetch_add(1, Ordering::Relaxed);
            Err("the queue is gone".into())
        }
        fn describe(&self) -> Option<String> {
            Some("queue 7".to_owned())
        }
        fn is_persistent(&self) -> bool {
            false
        }
    }
    let queue = Queue::default();
    let catalog = Catalog::builder().dataset(&NOTE, queue.clone()).build().unwrap();
    catalog.release("note").unwrap();
    let told = catalog.confirm("note").unwrap_err().to_string();
    assert_eq!(told, "confirming dataset `note` (queue 7): the queue is gone");
    assert_eq!(queue.0.each_ref().map(|count| count.load(Ordering::Relaxed)), [1, 1]);
    let described = catalog.describe("note").unwrap();
    assert!(described.kind().ends_with("Queue") && !described.is_persistent());
    assert_eq!(described.place(), Some("queue 7"));
}

#[test]
fn description_says_type_place_and_origin() {
    let folder = Folder::new();
    let yaml = folder.write("catalog.yml", "a:\n  type: csv\n  path: a.csv\nb: {type: memory}\n");
    let catalog = Catalog::builder().yaml_file(&yaml).parameter(&TOP, 1).build().unwrap();
    let described = |name: &str| {
        let told = catalog.describe(name).unwrap().to_string();
        told.replace(&*yaml.display().to_string(), "catalog.yml")
    };
    assert_eq!(described("a"), "csv a.csv (catalog.yml:1)");
    assert_eq!(described("b"), "memory (catalog.yml:4)");
    assert_eq!(described("params:top"), "parameter");
    assert_eq!(described("c"), "memory");
}
