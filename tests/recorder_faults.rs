//! A record that cannot be written is said, and no run suffers from it.

#![cfg(all(feature = "pipeline", feature = "telemetry"))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fs;
use std::path::Path;
use std::process::Command;

use entourage::{
    Catalog, Data, Pipeline, RunOptions, RunRecord, RunRecorder, SequentialRunner, node,
};
use pipelines::{Folder, names_in, with_each_runner};

const SUM: Data<u64> = Data::memory("sum");

fn pipeline() -> Pipeline {
    Pipeline::new([node(|| 1_u64).reads(()).writes(SUM).named("add")]).unwrap()
}

#[test]
fn a_run_that_cannot_be_recorded_is_refused_before_its_first_node() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let in_the_way = folder.write("runs", "a file");
        let never = || -> u64 { unreachable!("it was refused") };
        let pipeline = Pipeline::new([node(never).reads(()).writes(SUM).named("add")]).unwrap();
        let recorder = RunRecorder::new(&in_the_way);
        let options = RunOptions::new().run_id("r").listener(recorder.clone());
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert!(error.is_refused());
        let path = in_the_way.display();
        let expected =
            format!("the run cannot be recorded: cannot make a folder for the run in `{path}`: ");
        let [problem] = error.problems() else { panic!("{error}") };
        assert!(problem.starts_with(&expected), "{problem}");
        assert_eq!(recorder.problems(), [format!("run `r`: {problem}")]);
        assert_eq!(fs::read_to_string(&in_the_way).unwrap(), "a file");
    });
}

#[test]
fn an_optional_record_that_cannot_be_made_is_said_and_the_run_goes_on() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let recorder = RunRecorder::new(folder.write("runs", "a file")).optional();
        let options = RunOptions::new().run_id("r").listener(recorder.clone());
        let mut report = runner.run(&pipeline(), &Catalog::empty(), options).unwrap();
        assert_eq!(report.take_output(&SUM), Some(1));
        assert_eq!(recorder.folder_of(report.run_id()), None);
        let [problem] = &recorder.problems()[..] else { panic!("{:?}", recorder.problems()) };
        assert!(problem.ends_with("; the run goes on without"), "{problem}");
    });
}

#[test]
fn what_is_there_already_is_never_touched() {
    let folder = Folder::new();
    let (runs, elsewhere) = (folder.path("runs"), folder.path("elsewhere"));
    fs::create_dir_all(&runs).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    fs::write(runs.join("file"), "mine").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&elsewhere, runs.join("link")).unwrap();
    #[cfg(not(unix))]
    fs::create_dir(runs.join("link")).unwrap();
    for id in ["file", "link", "../elsewhere", "..", "."] {
        let options = RunOptions::new().run_id(id).listener(RunRecorder::new(&runs));
        SequentialRunner::new().run(&pipeline(), &Catalog::empty(), options).unwrap();
    }
    assert_eq!(names_in(&elsewhere), [""; 0]);
    assert_eq!(fs::read_to_string(runs.join("file")).unwrap(), "mine");
    let expected = ["%2E", "%2E%2E", "%2E.%2Felsewhere", "file", "file~2", "link", "link~2"];
    assert_eq!(names_in(&runs), expected);
    for (name, id) in [("%2E.%2Felsewhere", "../elsewhere"), ("file~2", "file")] {
        let record = RunRecord::read(runs.join(name)).unwrap();
        assert_eq!(record.run_id(), Some(id));
    }
}

/// A file system of its own, of so many KiB.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None` for who may not mount one.
    fn mounted(at: &'a Path, kib: u32) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let size = format!("size={kib}k");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "entourage-test"]).arg(at);
        let is_mounted = mount.output().is_ok_and(|output| output.status.success());
        is_mounted.then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

#[test]
fn a_full_disk_costs_events_but_no_run_and_every_one_of_them_is_counted() {
    const NODES: u64 = 5000;
    let folder = Folder::new();
    let disk = folder.path("disk");
    let Some(mounted) = SmallDisk::mounted(&disk, 2048) else {
        eprintln!("not tested: no file system can be mounted here");
        return;
    };
    // Hardly any room but for the pipeline.
    fs::write(disk.join("other"), vec![b'x'; 200 << 10]).unwrap();
    let nodes = (0..NODES).map(|at| {
        let data = Data::<u64>::memory(&*format!("d{at}").leak());
        node(move || at).reads(()).writes(data).named(format!("n{at}"))
    });
    let pipeline = Pipeline::new(nodes).unwrap();
    let recorder = RunRecorder::new(disk.join("runs")).trace();
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap();

    let problems = recorder.problems();
    let all = problems.join("\n");
    assert!(all.contains("cannot write events.jsonl: No space left on device"), "{all}");
    let lost = problems.iter().find_map(|problem| problem.strip_suffix(" events are lost"));
    let lost: u64 = lost.and_then(|text| text.rsplit(' ').next()).unwrap().parse().unwrap();
    assert!(all.contains("trace.json") && all.contains("summary.json"), "{all}");
    assert!(!disk.join("runs/r/summary.json").exists());

    // What is on file is whole, but for the last line.
    let record = RunRecord::read(disk.join("runs/r")).unwrap();
    assert!(record.is_interrupted() && record.nodes().len() == NODES as usize);
    let text = fs::read_to_string(disk.join("runs/r/events.jsonl")).unwrap();
    let whole = text.matches('\n').count() as u64;
    assert_eq!(whole + lost, 2 * NODES + 2);
    assert!(record.problems().len() <= 1, "{:?}", record.problems());
    drop(mounted);
}

#[test]
fn a_disk_that_has_room_again_has_every_event() {
    let folder = Folder::new();
    let disk = folder.path("disk");
    let Some(mounted) = SmallDisk::mounted(&disk, 256) else {
        eprintln!("not tested: no file system can be mounted here");
        return;
    };
    let other = disk.join("other");
    let (data, next) = (Data::<u64>::memory("data"), Data::<u64>::memory("next"));
    let recorder = RunRecorder::new(disk.join("runs"));
    let (fill, free, told) = (other.clone(), other, recorder.clone());
    let reserve = disk.join("runs/r/events.reserve");
    let fill = move || {
        // What is set aside for events, too.
        fs::remove_file(&reserve).unwrap();
        // Until there is no room for a byte.
        let mut file = fs::File::create(&fill).unwrap();
        for size in [4096, 1] {
            while std::io::Write::write_all(&mut file, &vec![b'x'; size]).is_ok() {}
        }
        1_u64
    };
    let free = move |_: &u64| {
        // That this node is begun is not on file, and nor are others.
        while told.problems().is_empty() {
            std::thread::yield_now();
        }
        fs::remove_file(&free).unwrap();
        2_u64
    };
    let filler: Vec<_> = (0..200)
        .map(|at| {
            let out = Data::<u64>::memory(&*format!("d{at}").leak());
            node(|data: &u64| *data).reads(data.clone()).writes(out).named(format!("n{at:03}"))
        })
        .collect();
    let ends = [
        node(fill).reads(()).writes(data.clone()).named("fill"),
        node(free).reads(data.clone()).writes(next).named("z_free").priority(-1),
    ];
    let pipeline = Pipeline::new(ends.into_iter().chain(filler)).unwrap();
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap();
    let record = RunRecord::read(disk.join("runs/r")).unwrap();
    assert!(!record.is_interrupted(), "{:?}", recorder.problems());
    assert_eq!(record.count(entourage::NodeState::Done), 202);
    let [problem] = record.problems() else { panic!("{:?}", record.problems()) };
    assert!(problem.ends_with("; nothing is lost"), "{problem}");
    drop(mounted);
}

#[test]
fn a_log_that_fills_the_disk_costs_no_event() {
    let folder = Folder::new();
    let disk = folder.path("disk");
    let Some(mounted) = SmallDisk::mounted(&disk, 1024) else {
        eprintln!("not tested: no file system can be mounted here");
        return;
    };
    let say = || {
        let logger = entourage::logger().unwrap();
        (0..2000).for_each(|at| logger.info(format_args!("{at} {}", "x".repeat(1000))));
        1_u64
    };
    let (data, nodes) = (Data::<u64>::memory("data"), 100);
    let others = (0..nodes).map(|at| {
        let out = Data::<u64>::memory(&*format!("o{at}").leak());
        node(|data: &u64| *data).reads(data.clone()).writes(out).named(format!("n{at}"))
    });
    let say = node(say).reads(()).writes(data.clone()).named("say");
    let pipeline = Pipeline::new(others.chain([say])).unwrap();
    let recorder = RunRecorder::new(disk.join("runs"));
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap();
    let problems = recorder.problems();
    assert!(problems.iter().any(|problem| problem.contains("No space left")), "{problems:?}");
    assert!(problems.iter().all(|problem| !problem.contains("events are lost")), "{problems:?}");
    let record = RunRecord::read(disk.join("runs/r")).unwrap();
    assert!(!record.is_interrupted());
    assert_eq!(record.count(entourage::NodeState::Done), nodes + 1);
    assert!(!disk.join("runs/r/events.reserve").exists());
    drop(mounted);
}

#[test]
#[cfg(unix)]
fn a_folder_that_is_gone_before_the_end_is_said() {
    let folder = Folder::new();
    let runs = folder.path("runs");
    let recorder = RunRecorder::new(&runs);
    let remove = move || {
        fs::remove_dir_all(&runs).unwrap();
        1_u64
    };
    let remove = node(remove).reads(()).writes(SUM).named("remove");
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    let pipeline = Pipeline::new([remove]).unwrap();
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap();
    let all = recorder.problems().join("\n");
    assert!(all.contains("events.jsonl was removed while the run went on; 4 events"), "{all}");
}

/// Neither is waited for nor written through: the run ends, and what a link leads to
/// is as it was.
#[test]
#[cfg(unix)]
fn what_is_put_in_the_place_of_a_runs_files_hangs_nobody() {
    let folder = Folder::new();
    let (runs, precious) = (folder.path("runs"), folder.write("precious", "mine"));
    let (run, target) = (runs.join("r"), precious.clone());
    let plant = move || {
        let pipe = |name: &str| {
            let made = Command::new("mkfifo").arg(run.join(name)).status().unwrap();
            assert!(made.success());
        };
        fs::create_dir(run.join("nodes")).unwrap();
        ["summary.json", "nodes/plant.1.jsonl"].into_iter().for_each(pipe);
        std::os::unix::fs::symlink(&target, run.join("report.html")).unwrap();
        entourage::logger().unwrap().error("where does it go?");
        1_u64
    };
    let plant = node(plant).reads(()).writes(SUM).named("plant");
    let recorder = RunRecorder::new(&runs).report();
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    let pipeline = Pipeline::new([plant]).unwrap();
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap();
    assert_eq!(fs::read_to_string(precious).unwrap(), "mine");
    assert!(fs::read_to_string(runs.join("r/report.html")).unwrap().contains("plant"));
    assert!(fs::read_to_string(runs.join("r/summary.json")).unwrap().contains("\"done\""));
    let all = recorder.problems().join("\n");
    assert!(all.contains("nodes/plant.1.jsonl: what is there is no file"), "{all}");
}
