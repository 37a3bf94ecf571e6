//! The rival: what one would write for these files, this result and one thread,
//! if nothing but speed counted.
//!
//! One pass over the flights does everything. Commas and line ends are found 64
//! bytes at a time, integers are read 8 bytes at a time, codes are small numbers
//! that index vectors, the model is fitted from sums that are kept on the way. It
//! writes the same five files as the pipeline.
//!
//! What it leaves out: quoted fields, other line ends, byte order marks, and the
//! columns' types; where in the file an error is; saves that are synced and then
//! renamed; the log; the picture; and that anyone could change one of its steps
//! and leave the others alone.

use std::cmp::Reverse;
use std::fmt::Write;
use std::fs;
use std::io::{Error, Result};
use std::path::Path;

use rustc_hash::FxHashMap;

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
    let (intercept, slopes) = sums.train.solve();
    fs::write(out.join("model.json"), model(sums.train.rows, intercept, &slopes))?;
    fs::write(out.join("metrics.json"), metrics(&sums.test, intercept, &slopes))?;
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

/// Bit i: is byte `at` + i a comma or a line end?
#[inline(always)]
fn separators(bytes: &[u8], at: usize) -> u64 {
    let mut rest = [0; 64];
    let block: &[u8; 64] = bytes[at..].first_chunk().unwrap_or_else(|| {
        rest[..bytes.len() - at].copy_from_slice(&bytes[at..]);
        &rest
    });
    // The compiler makes vector instructions of this line, and the multiplication
    // gathers eight bytes of 0 or 1 to eight bits.
    let hits = block.map(|byte| u8::from(byte == b',' || byte == b'\n'));
    hits.as_chunks::<8>().0.iter().rev().fold(0, |mask, part| {
        mask << 8 | u64::from_le_bytes(*part).wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}

/// The rows of a file, one at a time.
struct Rows<'a> {
    bytes: &'a [u8],
    /// Where the next row begins.
    next: usize,
    /// Where the 64 bytes begin that `mask` is about.
    block: usize,
    /// Their separators that are not used up.
    mask: u64,
    /// Field i of the row is `starts[i]..starts[i + 1] - 1`.
    starts: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// The rows after the header, and where the wanted columns are.
    fn new<const N: usize>(bytes: &'a [u8], want: &str) -> Result<(Self, [usize; N])> {
        let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let names: Vec<_> = header.split(|byte| *byte == b',').collect();
        let mut columns = [0; N];
        for (column, want) in columns.iter_mut().zip(want.split(' ')) {
            let place = names.iter().position(|name| *name == want.as_bytes());
            *column = place.ok_or_else(|| Error::other(format!("no column {want}")))?;
        }
        let starts = vec![0; names.len() + 1];
        let mut rows = Self { bytes, next: 0, block: 0, mask: separators(bytes, 0), starts };
        rows.advance()?;
        Ok((rows, columns))
    }

    /// Goes to the next row, if there is one.
    #[inline(always)]
    fn advance(&mut self) -> Result<bool> {
        let (bytes, mut block, mut mask) = (self.bytes, self.block, self.mask);
        if self.next >= bytes.len() {
            return Ok(false);
        }
        let (mut end, uneven) = (self.next, || Error::other("not as many fields as columns"));
        self.starts[0] = end;
        for start in &mut self.starts[1..] {
            while mask == 0 {
                block += 64;
                if block >= bytes.len() {
                    return Err(uneven());
                }
                mask = separators(bytes, block);
            }
            end = block + mask.trailing_zeros() as usize + 1;
            *start = end;
            mask &= mask - 1;
        }
        (self.block, self.mask, self.next) = (block, mask, end);
        if bytes[end - 1] == b'\n' { Ok(true) } else { Err(uneven()) }
    }

    #[inline(always)]
    fn field(&self, column: usize) -> &'a [u8] {
        &self.bytes[self.starts[column]..self.starts[column + 1] - 1]
    }

    #[inline(always)]
    fn is_missing(&self, column: usize) -> bool {
        matches!(self.field(column), b"" | b"NA")
    }

    /// The last `len` bytes of a field (1 to 8) as the high bytes of an integer.
    /// There are eight bytes to read, for the header is before them.
    #[inline(always)]
    fn high(&self, column: usize, len: usize) -> u64 {
        let bytes = self.bytes[..self.starts[column + 1] - 1].last_chunk().copied();
        let shift = 64 - 8 * len;
        u64::from_le_bytes(bytes.unwrap_or_default()) >> shift << shift
    }

    /// A number; NaN where it is missing.
    #[inline(always)]
    fn number(&self, column: usize) -> Result<f64> {
        let field = self.field(column);
        let is_negative = field.first() == Some(&b'-');
        let len = field.len() - usize::from(is_negative);
        if (1..=8).contains(&len) {
            let digits = self.high(column, len) ^ (0x3030_3030_3030_3030 << (64 - 8 * len));
            if (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0 == 0 {
                // Pairs of digits, then fours, then all eight.
                let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
                let pairs = pairs & 0x00ff_00ff_00ff_00ff;
                let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16);
                let fours = fours & 0x0000_ffff_0000_ffff;
                let all = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) as u32;
                return Ok(if is_negative { -f64::from(all) } else { f64::from(all) });
            }
        }
        other_number(field)
    }
}

#[cold]
fn other_number(field: &[u8]) -> Result<f64> {
    match str::from_utf8(field) {
        Ok("" | "NA") => Ok(f64::NAN),
        text => text.ok().and_then(|s| s.parse().ok()).ok_or(Error::other("not a number")),
    }
}

/// Codes as the numbers 0, 1, 2 and so on. Those of up to eight bytes are looked
/// up in a cache first.
struct Codes<'a> {
    cache: Vec<(u64, usize)>,
    ids: FxHashMap<&'a [u8], usize>,
    names: Vec<&'a [u8]>,
}

impl<'a> Codes<'a> {
    fn new() -> Self {
        Self { cache: vec![(0, 0); 1024], ids: FxHashMap::default(), names: Vec::new() }
    }

    #[inline(always)]
    fn id(&mut self, rows: &Rows<'a>, column: usize) -> usize {
        let len = rows.field(column).len();
        let key = if (1..=8).contains(&len) { rows.high(column, len) } else { 0 };
        let cached = &mut self.cache[(key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize];
        if key == 0 || cached.0 != key {
            let name = if rows.is_missing(column) { b"" } else { rows.field(column) };
            *cached = (key, *self.ids.entry(name).or_insert(self.names.len()));
            if cached.1 == self.names.len() {
                self.names.push(name);
            }
        }
        cached.1
    }
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
            let (dep, arr, p90) = (mean(dep), mean(arr), number(p90, ""));
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
    number(sum / f64::from(count), "")
}

fn number(value: f64, none: &str) -> String {
    if value.is_finite() { value.to_string() } else { none.to_owned() }
}

/// Sums and products over flights, of the seven regressors and the arrival delay.
#[derive(Default)]
struct Moments {
    rows: usize,
    sum: [f64; 8],
    product: [[f64; 8]; 8],
}

impl Moments {
    #[inline(always)]
    fn add(&mut self, row: &[f64; 8]) {
        self.rows += 1;
        for i in 0..8 {
            self.sum[i] += row[i];
            for j in 0..8 {
                self.product[i][j] += row[i] * row[j];
            }
        }
    }

    /// Intercept and slopes: Cholesky on the products about the means. A regressor
    /// that depends on those before it is given 0.
    fn solve(&self) -> (f64, [f64; 7]) {
        let Self { rows, sum, product } = self;
        let rows = *rows as f64;
        // The last row of `l` is the right side, solved forwards.
        let (mut l, mut slopes) = ([[0.0; 7]; 8], [0.0; 7]);
        for j in 0..7 {
            for i in j..8 {
                let about_means = product[i][j] - sum[i] * sum[j] / rows;
                let rest = about_means - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
                l[i][j] = match i == j {
                    true if rest > 1e-10 * product[j][j] => rest.sqrt(),
                    false if l[j][j] > 0.0 => rest / l[j][j],
                    _ => 0.0,
                };
            }
        }
        for j in (0..7).rev().filter(|j| l[*j][*j] > 0.0) {
            let known = (j + 1..7).map(|i| l[i][j] * slopes[i]).sum::<f64>();
            slopes[j] = (l[7][j] - known) / l[j][j];
        }
        let explained = (0..7).map(|i| slopes[i] * sum[i]).sum::<f64>();
        ((sum[7] - explained) / rows, slopes)
    }
}

fn model(rows: usize, intercept: f64, slopes: &[f64; 7]) -> String {
    const NAMES: [&str; 7] =
        ["dep_delay", "distance", "hour", "temp", "wind_speed", "precip", "visib"];
    let slopes = NAMES.iter().zip(slopes).map(|(name, slope)| format!("\"{name}\": {slope}"));
    let slopes = slopes.collect::<Vec<_>>().join(", ");
    format!(
        "{{\"intercept\": {intercept}, \"coefficients\": {{{slopes}}}, \"train_rows\": {rows}}}"
    )
}

fn metrics(test: &[[f64; 8]], intercept: f64, slopes: &[f64; 7]) -> String {
    let rows = test.len() as f64;
    let sum = |of: &dyn Fn(&[f64; 8]) -> f64| test.iter().map(of).sum::<f64>();
    let error = |row: &[f64; 8]| {
        row[7] - intercept - slopes.iter().zip(row).map(|(slope, value)| slope * value).sum::<f64>()
    };
    let (mean, squares) = (sum(&|row| row[7]) / rows, sum(&|row| error(row).powi(2)));
    let (rmse, mae) = ((squares / rows).sqrt(), sum(&|row| error(row).abs()) / rows);
    let r2 = 1.0 - squares / sum(&|row| (row[7] - mean).powi(2));
    format!("{{\"test_rows\": {rows}, \"rmse\": {rmse}, \"mae\": {mae}, \"r2\": {r2}}}")
}
