//! A year of flights, out of the January that comes with the example.
//!
//! Each row is replayed on its day of every month that has that day, some of
//! them twice, so that there are as many as left New York in 2013. The delays
//! vary by some minutes, the temperature with the season; flights and weather
//! move by the same whole days, so that they still meet.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// How many flights left New York in 2013.
pub(crate) const FLIGHTS: usize = 336_776;

const DAYS: [usize; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const SEASON: [f64; 12] = [0.0, 1.5, 8.0, 18.0, 28.0, 37.0, 43.0, 40.0, 33.0, 22.0, 10.0, 4.0];

/// Writes the files of a year into the folder `year`.
pub(crate) fn make(january: &Path, year: &Path) -> io::Result<()> {
    flights(january, year)?;
    weather(january, year)?;
    for name in ["airlines.csv", "airports.csv"] {
        fs::copy(january.join(name), year.join(name))?;
    }
    Ok(())
}

fn flights(january: &Path, year: &Path) -> io::Result<()> {
    let january = Table::read(&january.join("flights.csv"))?;
    let [day, dep_time, dep_delay, arr_time, arr_delay, air_time] =
        ["day", "dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]
            .map(|name| january.column(name));
    let replayed = months().map(|month| january.rows_of(month, day).count()).sum::<usize>();
    let (mut random, mut at) = (Random(2013), 0);
    january.replay(&year.join("flights.csv"), day, |_, row, out| {
        let copies = (at + 1) * FLIGHTS / replayed - at * FLIGHTS / replayed;
        at += 1;
        (0..copies).try_for_each(|_| {
            let (departed, flew) = (random.up_to(5), random.up_to(5));
            let mut row: Vec<String> = row.iter().map(|field| (*field).to_owned()).collect();
            for (column, delta) in [(dep_time, departed), (arr_time, departed + flew)] {
                change(&mut row[column], |time: i64| {
                    let minute = (time / 100 * 60 + time % 100 + delta).rem_euclid(1440);
                    if minute == 0 { 2400 } else { minute / 60 * 100 + minute % 60 }
                });
            }
            let delays = [(dep_delay, departed), (arr_delay, departed + flew), (air_time, flew)];
            for (column, delta) in delays {
                change(&mut row[column], |minutes: i64| minutes + delta);
            }
            writeln!(out, "{}", row.join(","))
        })
    })
}

fn weather(january: &Path, year: &Path) -> io::Result<()> {
    const KNOT: f64 = 1.15078;
    let january = Table::read(&january.join("weather.csv"))?;
    let [day, temp, wind] = ["day", "temp", "wind_speed"].map(|name| january.column(name));
    let mut random = Random(1869);
    january.replay(&year.join("weather.csv"), day, |month, row, out| {
        let mut row: Vec<String> = row.iter().map(|field| (*field).to_owned()).collect();
        let warmer = SEASON[month] + random.up_to(9) as f64 * 0.18;
        change(&mut row[temp], |degrees: f64| ((degrees + warmer) * 100.0).round() / 100.0);
        let faster = random.up_to(1) as f64;
        change(&mut row[wind], |speed: f64| ((speed / KNOT).round() + faster).max(0.0) * KNOT);
        writeln!(out, "{}", row.join(","))
    })
}

/// Changes a field that is not missing.
fn change<T: std::str::FromStr + ToString>(field: &mut String, f: impl FnOnce(T) -> T) {
    if let Ok(value) = field.parse() {
        *field = f(value).to_string();
    }
}

fn months() -> std::ops::Range<usize> {
    0..DAYS.len()
}

/// A CSV file without quotes.
struct Table {
    text: String,
}

impl Table {
    fn read(path: &Path) -> io::Result<Self> {
        Ok(Self { text: fs::read_to_string(path)? })
    }

    fn column(&self, name: &str) -> usize {
        let mut names = self.text.lines().next().unwrap_or_default().split(',');
        names.position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"))
    }

    /// The rows whose day the month has.
    fn rows_of(&self, month: usize, day: usize) -> impl Iterator<Item = Vec<&str>> {
        let rows = self.text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
        rows.filter(move |row| row[day].parse().is_ok_and(|day: usize| day <= DAYS[month]))
    }

    /// Passes on the rows of every month with their dates moved.
    fn replay(
        &self,
        path: &Path,
        day: usize,
        mut write: impl FnMut(usize, &[&str], &mut BufWriter<fs::File>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = BufWriter::new(fs::File::create(path)?);
        writeln!(out, "{}", self.text.lines().next().unwrap_or_default())?;
        let (month_column, hour_column) = (self.column("month"), self.column("time_hour"));
        for month in months() {
            let name = (month + 1).to_string();
            for mut row in self.rows_of(month, day) {
                let hour = moved(row[hour_column], month);
                (row[month_column], row[hour_column]) = (&name, &hour);
                write(month, &row, &mut out)?;
            }
        }
        out.flush()
    }
}

/// Moves an hour such as `2013-01-31T10:00:00Z` as far as a month's first day is
/// from January's.
fn moved(hour: &str, month: usize) -> String {
    let number = |from: usize| hour[from..from + 2].parse::<usize>().expect("a date");
    let before = |month: usize| DAYS[..month].iter().sum::<usize>();
    let day = before(number(5) - 1) + number(8) - 1 + before(month);
    let (year, day) = (2013 + day / 365, day % 365);
    let month = months().rev().find(|month| before(*month) <= day).unwrap_or(0);
    format!("{year}-{:02}-{:02}{}", month + 1, day - before(month) + 1, &hour[10..])
}

/// Numbers that look random, and are the same every time.
struct Random(u64);

impl Random {
    /// From minus `most` to `most`.
    fn up_to(&mut self, most: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % (2 * most + 1) - most
    }
}
