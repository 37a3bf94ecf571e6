//! What every place does alike.

use std::io::Write;
use std::path::Path;

use super::{Local, Over, Place};

fn put(place: &dyn Place, path: &Path, content: &[u8], over: Over) -> Result<(), String> {
    let mut draft = place.create(path).map_err(|error| error.to_string())?;
    draft.write_all(content).unwrap();
    draft.commit(over).map_err(|error| error.to_string())
}

fn content(place: &dyn Place, path: &Path) -> Vec<u8> {
    place.open(path).unwrap().into_bytes().unwrap()
}

/// All that is asked of a place, below a folder that is not there yet.
fn assert_is_a_place(place: &dyn Place, folder: &Path) {
    let path = folder.join("a/b.txt");
    assert!(!place.exists(&path).unwrap());
    assert!(place.list(folder).unwrap().is_empty());
    assert_eq!(place.open(&path).err().unwrap().to_string(), "there is no such file");
    place.check_writable(&path).unwrap();
    assert!(!place.exists(&path).unwrap());

    let draft = place.create(&path).unwrap();
    assert!(!place.exists(&path).unwrap(), "nobody sees a draft");
    drop(draft);
    assert!(!place.exists(&path).unwrap());

    put(place, &path, b"one", Over::Refuse).unwrap();
    assert_eq!(content(place, &path), b"one");
    let told = put(place, &path, b"two", Over::Refuse).unwrap_err();
    assert_eq!(told, "is already there, and is not to be overwritten");
    assert_eq!(content(place, &path), b"one");
    put(place, &path, b"two", Over::Replace).unwrap();
    assert_eq!(content(place, &path), b"two");

    // As many bytes as are read to look at a header, one less and one more.
    for len in [0, (1 << 16) - 1, 1 << 16, (1 << 16) + 1] {
        put(place, &path, &vec![7; len], Over::Replace).unwrap();
        let start = place.start(&path).unwrap().unwrap();
        assert_eq!((start.bytes.len(), start.is_whole), (len.min(1 << 16), len <= 1 << 16));
    }

    put(place, &folder.join("c.txt"), b"", Over::Replace).unwrap();
    put(place, &folder.join("a/b/c.txt"), b"", Over::Replace).unwrap();
    assert_eq!(place.list(folder).unwrap(), ["a", "c.txt"]);
    assert_eq!(place.list(&folder.join("a")).unwrap(), ["b", "b.txt"]);
    assert!(place.exists(&path).unwrap() && !place.exists(&folder.join("a")).unwrap());
}

#[test]
fn local_file_system_is_a_place() {
    let folder = tempfile::tempdir().unwrap();
    assert_is_a_place(&Local, &folder.path().join("below"));
}

#[cfg(feature = "object-store")]
#[test]
fn object_store_is_a_place() {
    use std::sync::Arc;

    use object_store::ObjectStore;
    use object_store::local::LocalFileSystem;
    use object_store::memory::InMemory;

    use super::{StorageOptions, Stores};

    let folder = tempfile::tempdir().unwrap();
    let local = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let stores: [Arc<dyn ObjectStore>; 2] = [Arc::new(InMemory::new()), Arc::new(local)];
    for store in stores {
        let mut all = Stores::default();
        all.object.add("lake".to_owned(), store).unwrap();
        let below = Path::new("lake://below");
        let (place, path) = all.locate(&below.join("any"), &StorageOptions::default()).unwrap();
        assert_is_a_place(&*place, path.parent().unwrap());
    }
}
