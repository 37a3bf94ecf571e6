//! The flights example gives the right answer, the same one however it is run
//! and however its data are written, and says where it is.

#![cfg(feature = "console")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/flights.rs"]
mod flights;

use flights::Scene;
use serde_json::Value;

const NODES: [&str; 8] =
    ["carriers", "routes", "hourly", "plot_delays", "index_weather", "observe", "fit", "evaluate"];
const OUTPUTS: [&str; 6] =
    ["carriers.csv", "delays.svg", "hourly.csv", "metrics.json", "model.json", "routes.csv"];

/// The cells of the first line that begins with `start`. No name in January's
/// answer has a comma.
#[track_caller]
fn line<'t>(table: &'t str, start: &str) -> Vec<&'t str> {
    let line = table.lines().find(|line| line.starts_with(start));
    line.unwrap_or_else(|| panic!("no line begins with `{start}`")).split(',').collect()
}

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-5 * expected.abs(), "{found} is not {expected}");
}

fn log_lines(text: &str) -> Vec<Value> {
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The run's id, from what the program printed.
fn run_id(printed: &str) -> &str {
    let line = printed.lines().find_map(|line| line.strip_prefix("run ")).unwrap();
    line.split([' ', ':']).next().unwrap()
}

#[test]
fn january_is_told_as_it_was() {
    let scene = Scene::january();
    scene.run(&[]).done();
    assert!(scene.outputs().keys().eq(&OUTPUTS));

    let carriers = scene.read("out/carriers.csv");
    assert_eq!(carriers.lines().count(), 1 + 16);
    let united = line(&carriers, "UA,");
    assert_eq!(united[1..4], ["United Air Lines Inc.", "4637", "32"]);
    assert_close(united[5].parse().unwrap(), 3.175599);
    assert_close(united[6].parse().unwrap(), 34.0);

    let routes = scene.read("out/routes.csv");
    assert_eq!(routes.lines().count(), 1 + 20);
    assert_eq!(line(&routes, "JFK,")[1..4], ["LAX", "Los Angeles Intl", "937"]);

    let hourly = scene.read("out/hourly.csv");
    let flights = hourly.lines().skip(1).map(|line| line.split(',').nth(1).unwrap());
    assert_eq!(flights.map(|cell| cell.parse::<u64>().unwrap()).sum::<u64>(), 27_004);

    let model: Value = serde_json::from_str(&scene.read("out/model.json")).unwrap();
    assert_eq!(model["train_rows"], 21_363);
    assert_close(model["coefficients"]["dep_delay"].as_f64().unwrap(), 1.010821);
    assert_close(model["coefficients"]["precip"].as_f64().unwrap(), 30.017439);

    let metrics: Value = serde_json::from_str(&scene.read("out/metrics.json")).unwrap();
    assert_eq!(metrics["test_rows"], 4_983);
    assert_close(metrics["rmse"].as_f64().unwrap(), 17.043980);
    assert_close(metrics["r2"].as_f64().unwrap(), 0.863248);

    let picture = scene.read("out/delays.svg");
    assert!(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"));
}

#[test]
fn outputs_are_the_same_to_the_byte_however_it_is_run() {
    let ways: [&[&str]; 5] = [
        &["--threads", "1"],
        &["--threads", "4"],
        &["--threads", "2", "--perf"],
        &["--runner", "sequential"],
        &["--runner", "sequential", "--perf"],
    ];
    let mut outputs = ways.map(|way| {
        let scene = Scene::january();
        scene.run(way).done();
        (way, scene.outputs())
    });
    let (_, expected) = std::mem::take(&mut outputs[0]);
    for (way, found) in &outputs[1..] {
        assert!(*found == expected, "{way:?}");
    }
}

#[test]
fn the_table_tells_each_nodes_part_and_what_follows_where_to_look() {
    let scene = Scene::small();
    let printed = scene.run(&[]).done();
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let rows: Vec<_> = printed.lines().map(cells).collect();
    let header = "node state queued ran attempts rows bytes in bytes out";
    assert!(rows.iter().any(|row| row.join(" ") == header), "{printed}");
    for node in NODES {
        let row = rows.iter().find(|row| row.first().is_some_and(|name| name == node)).unwrap();
        let [_, state, queued, unit, ran, same_unit, attempts, records, ..] = &row[..] else {
            panic!("{row:?}")
        };
        assert_eq!([state, unit, same_unit, attempts], ["done", "ms", "ms", "1"]);
        assert!([queued, ran].iter().all(|time| time.parse::<f64>().unwrap() >= 0.0));
        let expected = match node {
            "carriers" | "hourly" | "observe" => "3",
            "routes" => "4",
            _ => "-",
        };
        assert_eq!(records, expected, "{node}");
    }
    let tail: Vec<_> = printed.lines().rev().take(2).collect();
    assert_eq!(tail, ["log: out/run.jsonl", "outputs: out"]);
}

#[test]
fn every_line_of_the_log_knows_its_run_and_node_even_from_within_parallel_work() {
    let scene = Scene::january();
    let printed = scene.run(&["--threads", "4"]).done();
    let lines = log_lines(&scene.read("out/run.jsonl"));
    for line in &lines {
        assert_eq!(line["run_id"], run_id(&printed), "{line}");
        assert!(NODES.contains(&line["node"].as_str().unwrap()), "{line}");
    }
    let parts = lines.iter().filter(|line| line["message"] == "joined a part with the weather");
    let parts: Vec<_> = parts.map(|line| (&line["node"], &line["fields"]["flights"])).collect();
    assert!(parts.len() > 1 && parts.iter().all(|(node, _)| *node == "observe"), "{parts:?}");
    assert_eq!(parts.iter().map(|(_, flights)| flights.as_u64().unwrap()).sum::<u64>(), 27_004);
    for node in NODES {
        let is_done = |line: &&Value| line["node"] == node && line["message"] == "node done";
        assert_eq!(lines.iter().filter(is_done).count(), 1, "{node}");
    }
}

#[test]
fn the_log_goes_where_it_is_told_to() {
    let scene = Scene::small();
    let printed = scene.run(&["--log", "elsewhere.jsonl", "--runner", "sequential"]).done();
    assert!(printed.ends_with("log: elsewhere.jsonl\n"));
    let lines = log_lines(&scene.read("elsewhere.jsonl"));
    assert!(lines.iter().all(|line| line["run_id"] == run_id(&printed)));
    assert!(!scene.path("out/run.jsonl").exists());
}

#[test]
fn without_propagation_there_is_no_log() {
    let scene = Scene::small();
    let printed = scene.run(&["--perf"]).done();
    assert!(printed.ends_with("log: none (propagation is off)\n"));
    assert!(!scene.path("out/run.jsonl").exists());
    let both = scene.run(&["--perf", "--log", "run.jsonl"]);
    assert!(both.code == Some(2) && both.stderr.contains("'--log <FILE>'"), "{}", both.stderr);
}

#[test]
fn four_flights_come_out_as_they_do_by_hand() {
    let scene = Scene::small();
    scene.run(&[]).done();
    let carriers = "\
carrier,name,flights,cancelled,mean_dep_delay,mean_arr_delay,p90_arr_delay
UA,United Air Lines Inc.,2,0,3.0,15.5,20.0
AA,American Airlines Inc.,1,1,,,
DL,Delta Air Lines Inc.,1,0,-6.0,-25.0,-25.0
";
    assert_eq!(scene.read("out/carriers.csv"), carriers);
    let routes = "\
origin,dest,dest_name,flights,mean_arr_delay
EWR,IAH,George Bush Intercontinental,1,11.0
JFK,MIA,Miami Intl,1,
LGA,ATL,Hartsfield Jackson Atlanta Intl,1,-25.0
LGA,IAH,George Bush Intercontinental,1,20.0
";
    assert_eq!(scene.read("out/routes.csv"), routes);
    let hourly = "\
hour,flights,cancelled,mean_dep_delay
5,2,0,3.0
6,1,0,-6.0
,1,1,
";
    assert_eq!(scene.read("out/hourly.csv"), hourly);
}

#[test]
fn parameters_are_taken_from_their_file_and_a_run_replaces_what_the_last_one_wrote() {
    let scene = Scene::small();
    scene.run(&[]).done();
    scene.change("parameters.yml", "top: 20", "top: 1");
    scene.change("parameters.yml", "holdout_every: 5", "holdout_every: 0");
    scene.run(&[]).done();
    assert!(scene.outputs().keys().eq(&OUTPUTS));
    let routes = "\
origin,dest,dest_name,flights,mean_arr_delay
EWR,IAH,George Bush Intercontinental,1,11.0
";
    assert_eq!(scene.read("out/routes.csv"), routes);
    let metrics: Value = serde_json::from_str(&scene.read("out/metrics.json")).unwrap();
    assert!(metrics["test_rows"] == 0 && metrics["rmse"].is_null());
}

/// Changes the four flights, and asserts that they are still read as they were.
#[track_caller]
fn assert_read_alike(change: impl FnOnce(&Scene)) {
    let (plain, changed) = (Scene::small(), Scene::small());
    change(&changed);
    plain.run(&[]).done();
    changed.run(&[]).done();
    assert!(changed.outputs() == plain.outputs());
}

#[test]
fn carriage_returns_are_read_over() {
    assert_read_alike(|scene| {
        for name in ["data/flights.csv", "data/weather.csv", "data/airlines.csv"] {
            scene.write(name, scene.read(name).replace('\n', "\r\n"));
        }
    });
}

#[test]
fn an_empty_cell_is_a_missing_value_as_na_is() {
    assert_read_alike(|scene| {
        let flights = scene.read("data/flights.csv").replace("NA", "");
        scene.write("data/flights.csv", flights);
    });
}

#[test]
fn columns_are_found_by_name_and_others_are_read_over() {
    assert_read_alike(|scene| {
        let flights = scene.read("data/flights.csv");
        let turned = flights.lines().map(|line| {
            let cells: Vec<_> = line.split(',').rev().collect();
            format!("{},2013\n", cells.join(","))
        });
        scene.write("data/flights.csv", turned.collect::<String>());
    });
}

#[cfg(unix)]
#[test]
fn compressed_data_are_read_as_such() {
    assert_read_alike(|scene| {
        scene.gzip("data/flights.csv");
        scene.change("catalog.yml", "flights.csv", "flights.csv.gz");
    });
}

#[test]
fn a_name_may_hold_quotes_commas_and_line_ends_or_be_unknown() {
    let scene = Scene::small();
    scene.write("data/airlines.csv", "carrier,name\nUA,\"United \"\"Air\"\",\nLines\"\nDL,Delta\n");
    scene.run(&[]).done();
    let carriers = scene.read("out/carriers.csv");
    assert!(carriers.contains("\nUA,\"United \"\"Air\"\",\nLines\",2,"), "{carriers}");
    assert!(carriers.contains("\nAA,,1,1,,,\n"), "{carriers}");
}

#[test]
fn without_a_flight_the_tables_are_empty_and_the_model_is_null() {
    let scene = Scene::small();
    let header = scene.read("data/flights.csv").lines().next().unwrap().to_owned();
    scene.write("data/flights.csv", header + "\n");
    scene.run(&[]).done();
    let carriers = "carrier,name,flights,cancelled,mean_dep_delay,mean_arr_delay,p90_arr_delay\n";
    assert_eq!(scene.read("out/carriers.csv"), carriers);
    assert_eq!(scene.read("out/hourly.csv"), "hour,flights,cancelled,mean_dep_delay\n");
    let model: Value = serde_json::from_str(&scene.read("out/model.json")).unwrap();
    assert!(model["train_rows"] == 0 && model["intercept"].is_null());
    assert!(model["coefficients"].as_object().unwrap().values().all(Value::is_null));
    let metrics: Value = serde_json::from_str(&scene.read("out/metrics.json")).unwrap();
    assert!(metrics["test_rows"] == 0 && metrics["rmse"].is_null() && metrics["r2"].is_null());
}
