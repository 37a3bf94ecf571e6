//! The rival: what one would write for these files, this result and one thread,
//! if nothing but speed counted.
//!
//! One pass over the flights does everything. Commas and line ends are found 64
//! bytes at a time, integers are read 8 bytes at a time, codes are small numbers
//! that index vectors, the model is fitted from sums that are kept on the way. It
//! reads the files that the pipeline reads, and writes the five tables and values
//! that the pipeline writes.
//!
//! What it leaves out: quotes, other line ends, a byte order mark, a row that is
//! shorter than it should be, a flight without an hour; whether a number fits its
//! type; where in a file an error is; saves that are synced and then renamed; the
//! log; the picture; and steps that can be told apart, tested and changed one by
//! one.

mod model;
mod rows;

use std::cmp::Reverse;
use std::fmt::Write;
use std::fs;
use std::io::{Error, Result};
use std::path::Path;

use rustc_hash::FxHashMap;

use model::{Model, Moments};
use rows::{Codes, Rows};

const TOP: usize = 20;
const HOLDOUT_EVERY: u8 = 5;

/// Reads the four files in `data`, and writes the five into `out`.
pub(crate) fn run(data: &Path, out: &Path) -> Result<()> {
    let [flights, weather, airlines, airports] =
        ["flights.csv", "weather.csv", "airlines.csv", "airports.csv"]
            .map(|name| read(&data.join(name)));
    let (flights, weather, airlines, airports) = (flights?, weather?, airlines?, airports?);
    let mut origins = Codes::new();
    let weather = index_weather(&weather, &mut origins)?;
    let sums = Sums::of(&flights, &weather, origins)?;
    fs::create_dir_all(out)?;
    let model = Model::of(&sums.train).ok_or_else(|| Error::other("no model"))?;
    fs::write(out.join("model.json"), model.json())?;
    fs::write(out.join("metrics.json"), model.metrics(&sums.test))?;
    fs::write(out.join("hourly.csv"), sums.hourly())?;
    fs::write(out.join("routes.csv"), sums.routes(&names(&airports, "faa name")?))?;
    fs::write(out.join("carriers.csv"), sums.carriers(&names(&airlines, "carrier name")?))
}

/// A file, with a line end at its end.
fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = fs::read(path)?;
    if bytes.last() != Some(&b'\n') {
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// The first name of each code.
type Names<'a> = FxHashMap<&'a [u8], &'a [u8]>;

fn names<'a>(file: &'a [u8], columns: &str) -> Result<Names<'a>> {
    let (mut rows, [code, name]) = Rows::new(file, columns)?;
    let mut names = Names::default();
    while rows.advance()? {
        names.entry(rows.field(code)).or_insert(rows.field(name));
    }
    Ok(names)
}

/// The complete hours: by hour, then by the number of the origin.
type Weather<'a> = FxHashMap<&'a [u8], Vec<Option<[f64; 4]>>>;

fn index_weather<'a>(file: &'a [u8], origins: &mut Codes<'a>) -> Result<Weather<'a>> {
    let columns = "origin time_hour temp wind_speed precip visib";
    let (mut rows, [origin, time_hour, a, b, c, d]) = Rows::new(file, columns)?;
    let mut weather = Weather::default();
    while rows.advance()? {
        let values = [rows.number(a)?, rows.number(b)?, rows.number(c)?, rows.number(d)?];
        if !values.iter().any(|value| value.is_nan()) {
            let hour = weather.entry(rows.field(time_hour)).or_default();
            at(hour, origins.id(&rows, origin)).get_or_insert(values);
        }
    }
    Ok(weather)
}

fn at<T: Default + Clone>(items: &mut Vec<T>, at: usize) -> &mut T {
    if at >= items.len() {
        items.resize(at + 1, T::default());
    }
    &mut items[at]
}

/// Counts and delays of some flights; the delays as their sum and their number.
#[derive(Default, Clone)]
struct Group {
    flights: u32,
    cancelled: u32,
    dep: (f64, u32),
    arr: (f64, u32),
}

impl Group {
    #[inline(always)]
    fn add(&mut self, is_cancelled: bool, dep: f64, arr: f64) {
        self.flights += 1;
        self.cancelled += u32::from(is_cancelled);
        for (mean, delay) in [(&mut self.dep, dep), (&mut self.arr, arr)] {
            mean.0 += if delay.is_nan() { 0.0 } else { delay };
            mean.1 += u32::from(!delay.is_nan());
        }
    }
}

/// What one pass over the flights leaves behind.
struct Sums<'a> {
    carriers: Codes<'a>,
    origins: Codes<'a>,
    dests: Codes<'a>,
    by_carrier: Vec<(Group, Vec<f64>)>,
    by_route: Vec<Vec<Group>>,
    by_hour: Vec<Group>,
    train: Moments,
    test: Vec<[f64; 8]>,
}

impl<'a> Sums<'a> {
    fn of(file: &'a [u8], weather: &Weather<'a>, mut origins: Codes<'a>) -> Result<Self> {
        let columns =
            "day dep_time dep_delay arr_delay carrier origin dest distance hour time_hour";
        let (mut rows, [day, dep_time, dep, arr, carrier, origin, dest, distance, hour, time_hour]) =
            Rows::new(file, columns)?;
        let (mut carriers, mut dests) = (Codes::new(), Codes::new());
        let (mut by_carrier, mut by_hour) = (Vec::<(Group, Vec<f64>)>::new(), Vec::<Group>::new());
        let (mut by_route, mut test) = (Vec::<Vec<Group>>::new(), Vec::new());
        let (mut train, mut now, mut weather_now) = (Moments::default(), &b""[..], None);
        while rows.advance()? {
            let (dep, arr, hour) = (rows.number(dep)?, rows.number(arr)?, rows.number(hour)?);
            let is_cancelled = rows.is_missing(dep_time);
            let (group, delays) = at(&mut by_carrier, carriers.id(&rows, carrier));
            group.add(is_cancelled, dep, arr);
            if !arr.is_nan() {
                delays.push(arr);
            }
            let (from, to) = (origins.id(&rows, origin), dests.id(&rows, dest));
            at(at(&mut by_route, from), to).add(is_cancelled, dep, arr);
            at(&mut by_hour, hour as usize).add(is_cancelled, dep, arr);
            if now != rows.field(time_hour) {
                now = rows.field(time_hour);
                weather_now = weather.get(now);
            }
            let Some(&Some([temp, wind, precip, visib])) = weather_now.and_then(|at| at.get(from))
            else {
                continue;
            };
            let (day, distance) = (rows.number(day)?, rows.number(distance)?);
            let row = [dep, distance, hour, temp, wind, precip, visib, arr];
            match row.iter().sum::<f64>() + day {
                incomplete if incomplete.is_nan() => {}
                _ if (day as u8).is_multiple_of(HOLDOUT_EVERY) => test.push(row),
                _ => train.add(&row),
            }
        }
        Ok(Self { carriers, origins, dests, by_carrier, by_route, by_hour, train, test })
    }

    fn carriers(mut self, names: &Names<'_>) -> String {
        let header = "carrier,name,flights,cancelled,mean_dep_delay,mean_arr_delay,p90_arr_delay\n";
        let (mut csv, mut lines) = (header.to_owned(), Vec::new());
        for (code, (group, delays)) in self.carriers.names.iter().zip(&mut self.by_carrier) {
            let rank = (delays.len() * 9).div_ceil(10);
            let mut p90 = || *delays.select_nth_unstable_by(rank - 1, f64::total_cmp).1;
            let p90 = if rank == 0 { f64::NAN } else { p90() };
            lines.push((Reverse(group.flights), *code, group, p90));
        }
        lines.sort_unstable_by_key(|(flights, code, ..)| (*flights, *code));
        for (_, code, group, p90) in lines {
            let Group { flights, cancelled, dep, arr } = *group;
            let (code, name) = (text(Some(&code)), text(names.get(code)));
            let (dep, arr, p90) = (mean(dep), mean(arr), number(p90));
            _ = writeln!(csv, "{code},{name},{flights},{cancelled},{dep},{arr},{p90}");
        }
        csv
    }

    fn routes(&self, names: &Names<'_>) -> String {
        let mut csv = "origin,dest,dest_name,flights,mean_arr_delay\n".to_owned();
        let mut lines = Vec::new();
        for (origin, groups) in self.origins.names.iter().zip(&self.by_route) {
            let flown = self.dests.names.iter().zip(groups).filter(|(_, group)| group.flights > 0);
            lines.extend(
                flown.map(|(dest, group)| (Reverse(group.flights), origin, dest, group.arr)),
            );
        }
        lines.sort_unstable_by_key(|(flights, origin, dest, _)| (*flights, *origin, *dest));
        for (Reverse(flights), origin, dest, arr) in lines.into_iter().take(TOP) {
            let (origin, to, name) = (text(Some(origin)), text(Some(dest)), text(names.get(dest)));
            _ = writeln!(csv, "{origin},{to},{name},{flights},{}", mean(arr));
        }
        csv
    }

    fn hourly(&self) -> String {
        let mut csv = "hour,flights,cancelled,mean_dep_delay\n".to_owned();
        for (hour, group) in self.by_hour.iter().enumerate().filter(|(_, group)| group.flights > 0)
        {
            let Group { flights, cancelled, dep, .. } = *group;
            _ = writeln!(csv, "{hour},{flights},{cancelled},{}", mean(dep));
        }
        csv
    }
}

fn text<'a>(field: Option<&&'a [u8]>) -> std::borrow::Cow<'a, str> {
    String::from_utf8_lossy(field.copied().unwrap_or_default())
}

fn mean((sum, count): (f64, u32)) -> String {
    number(sum / f64::from(count))
}

fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}
