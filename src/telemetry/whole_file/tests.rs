//! Files that are replaced, and those that are not.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::write;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn file_is_replaced_when_all_of_it_is_written_and_else_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.json");
    write("trace", &path, |out| out.write_all(b"first")).unwrap();
    let error = write("trace", &path, |out| {
        out.write_all(b"half of the second")?;
        Err(io::Error::from(ErrorKind::StorageFull))
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(error.to_string().starts_with(&format!("cannot write the trace `{}`", path.display())));
    assert_eq!(fs::read(&path).unwrap(), b"first");
    write("trace", &path, |out| out.write_all(b"second")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(names(folder.path()), ["trace.json"], "nothing is left beside it");
}

#[test]
fn what_cannot_be_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for (path, kind, told) in [
        (folder.path().join("none/trace.json"), ErrorKind::NotFound, 1),
        (folder.path().join("file/trace.json"), ErrorKind::NotADirectory, 1),
        (folder.path().to_owned(), ErrorKind::IsADirectory, 0),
    ] {
        let error = write("trace", &path, |out| out.write_all(b"x")).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        // Where it was to be is said once, and of no file that nobody asked for.
        assert!(!error.to_string().contains(".part"), "{error}");
        assert_eq!(error.to_string().matches("trace.json").count(), told, "{error}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_to_and_a_link_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    write("trace", &link, |out| out.write_all(b"x")).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"x");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    write("trace", Path::new("/dev/null"), |out| out.write_all(b"x")).unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_system_says_of_a_file_that_cannot_be_written_is_said_as_it_is() {
    // Nobody makes a file there, whoever he is.
    let path = Path::new("/proc/self/trace.json");
    let system = fs::write(path, "").unwrap_err();
    let error = write("trace", path, |out| out.write_all(b"x")).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write the trace `{}`: {system}", path.display()));
}
