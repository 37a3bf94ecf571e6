//! The flights example as its user has it: a program, run in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// Four flights. The third never left, and belongs to no hour; the last two are
/// of a day that is kept for testing.
const FLIGHTS: &str = "\
day,dep_time,dep_delay,arr_delay,carrier,origin,dest,distance,hour,time_hour
1,517,2,11,UA,EWR,IAH,1400,5,2013-01-01T10:00:00Z
2,533,4,20,UA,LGA,IAH,1416,5,2013-01-01T10:00:00Z
5,NA,NA,NA,AA,JFK,MIA,1089,NA,2013-01-01T11:00:00Z
5,554,-6,-25,DL,LGA,ATL,762,6,2013-01-01T11:00:00Z
";
const WEATHER: &str = "\
origin,time_hour,temp,wind_speed,precip,visib
EWR,2013-01-01T10:00:00Z,39.02,10.4,0,10
LGA,2013-01-01T10:00:00Z,39.92,12.7,0,10
LGA,2013-01-01T11:00:00Z,39.02,14.9,0.01,10
";
const AIRLINES: &str = "\
carrier,name
AA,American Airlines Inc.
DL,Delta Air Lines Inc.
UA,United Air Lines Inc.
";
const AIRPORTS: &str = "\
faa,name
ATL,Hartsfield Jackson Atlanta Intl
IAH,George Bush Intercontinental
MIA,Miami Intl
";

/// A folder to run the program in.
pub(crate) struct Scene {
    folder: TempDir,
}

impl Scene {
    /// Without data: the program takes the flights of January.
    pub(crate) fn january() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With four flights in `data`.
    pub(crate) fn small() -> Self {
        let scene = Self::january();
        scene.write("data/flights.csv", FLIGHTS);
        scene.write("data/weather.csv", WEATHER);
        scene.write("data/airlines.csv", AIRLINES);
        scene.write("data/airports.csv", AIRPORTS);
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Replaces the first `from` in a file of the scene. Of `catalog.yml` and
    /// `parameters.yml` the example's own is taken where the scene has none yet.
    #[track_caller]
    pub(crate) fn change(&self, name: &str, from: &str, to: &str) {
        if !self.path(name).exists() {
            fs::copy(example().join(name), self.path(name)).unwrap();
        }
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no `{from}`");
        self.write(name, text.replacen(from, to, 1));
    }

    /// Compresses a file in its place.
    pub(crate) fn gzip(&self, name: &str) {
        let ended = Command::new("gzip").arg(self.path(name)).status().unwrap();
        assert!(ended.success());
    }

    /// Runs the program in the scene's folder, on what is there, into `out`
    /// unless `args` say otherwise.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        let output = self.command(args).output().unwrap();
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(!stderr.contains("panicked"), "{stderr}");
        Ended { code: output.status.code(), stdout, stderr }
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.current_dir(self.folder.path()).args(args).stdin(Stdio::null());
        let here = [
            ("--data", "data"),
            ("--catalog", "catalog.yml"),
            ("--parameters", "parameters.yml"),
            ("--out", "out"),
        ];
        for (option, name) in here {
            let is_there = option == "--out" || self.path(name).exists();
            if is_there && !args.contains(&option) {
                command.args([option, name]);
            }
        }
        command
    }

    /// The outputs by name; the log is not among them.
    pub(crate) fn outputs(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        match fs::read_dir(self.path("out")) {
            Ok(entries) => {
                for entry in entries.map(Result::unwrap) {
                    let name = entry.file_name().into_string().unwrap();
                    if name != "run.jsonl" {
                        files.insert(name, fs::read(entry.path()).unwrap());
                    }
                }
            }
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound),
        }
        files
    }
}

/// What the program left behind.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// What it told of the run, and then printed, given that all went well.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        let printed = self.stderr + &self.stdout;
        assert!(self.code == Some(0) && !printed.contains("error: "), "{printed}");
        printed
    }

    /// Asserts that it failed, with one message at the end that has all these parts.
    #[track_caller]
    pub(crate) fn failed(&self, parts: &[&str]) {
        let Self { code, stderr, .. } = self;
        assert_eq!(*code, Some(1), "{stderr}");
        let messages: Vec<_> = stderr.split("error: ").collect();
        let [told, message] = messages[..] else { panic!("{stderr}") };
        assert!(told.is_empty() || told.ends_with('\n'), "{stderr}");
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
    }
}

fn example() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/flights"))
}

/// The program, built as this test is. `cargo test` has built it, and this takes
/// no time; `cargo test --test …` has not, and what lies there may be of old.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap();
        let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
            "debug" => "dev",
            name => name,
        };
        let built = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--quiet", "--example", "flights", "--profile", profile])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .status();
        assert!(built.unwrap().success(), "the example cannot be built");
        folder.join("examples").join(format!("flights{}", std::env::consts::EXE_SUFFIX))
    })
}
