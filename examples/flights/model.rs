//! The nodes that join flights with weather, and fit and judge a linear model of
//! the arrival delay.

use std::fmt;

use entourage::ParallelIteratorExt;
use nalgebra::{DMatrix, DVector, SMatrix, SVector};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use tracing::{info, warn};

use crate::records::{
    Code, Coefficients, Flight, Metrics, Model, Observation, REGRESSORS, TimeHour, WeatherHour,
};

/// The weather of an airport and an hour, where all four values are known:
/// temperature, wind speed, precipitation, visibility.
pub(crate) type WeatherIndex = FxHashMap<(Code, TimeHour), [f64; 4]>;

/// Finds the complete hours. Of several rows for one hour the first counts.
pub(crate) fn index_weather(weather: &[WeatherHour]) -> WeatherIndex {
    let mut index = WeatherIndex::default();
    for hour in weather {
        let values = (hour.temp, hour.wind_speed, hour.precip, hour.visib);
        if let (Some(temp), Some(wind_speed), Some(precip), Some(visib)) = values {
            let key = (hour.origin, hour.time_hour);
            index.entry(key).or_insert([temp, wind_speed, precip, visib]);
        }
    }
    info!(hours = weather.len(), complete = index.len(), "indexed the weather");
    index
}

/// The flights that have everything the model needs.
pub(crate) fn observe(flights: &[Flight], weather: &WeatherIndex, every: &u8) -> Vec<Observation> {
    let every = u32::from(*every);
    let observe = |flight: &Flight| {
        let [temp, wind_speed, precip, visib] = *weather.get(&(flight.origin, flight.time_hour))?;
        let (dep_delay, arr_delay) = (flight.dep_delay?, flight.arr_delay?);
        let (distance, hour) = (flight.distance?, f64::from(flight.hour?));
        let is_test = every != 0 && u32::from(flight.day?) % every == 0;
        let regressors = [dep_delay, distance, hour, temp, wind_speed, precip, visib];
        Some(Observation { regressors, arr_delay, is_test })
    };
    let chunks = flights.par_chunks(1 << 14).in_context();
    let parts: Vec<Vec<Observation>> = chunks
        .map(|chunk| {
            let part: Vec<_> = chunk.iter().filter_map(observe).collect();
            info!(flights = chunk.len(), usable = part.len(), "joined a part with the weather");
            part
        })
        .collect();
    parts.concat()
}

/// The data cannot determine a model.
#[derive(Debug)]
pub(crate) struct NoModel {
    train_rows: usize,
}

impl fmt::Display for NoModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.train_rows;
        write!(f, "{rows} usable flights do not determine a model of {} regressors", REGRESSORS.len())
    }
}

impl std::error::Error for NoModel {}

/// Least squares of the arrival delay on the regressors, over the flights that
/// are not kept for testing.
pub(crate) fn fit(observations: &[Observation]) -> Result<Model, NoModel> {
    let train = || observations.iter().filter(|observation| !observation.is_test);
    let train_rows = train().count();
    let unfit = || NoModel { train_rows };
    if train_rows == 0 {
        return Err(unfit());
    }
    // Moments about the means: then the columns' sizes do not drown each other.
    let mut means = SVector::<f64, 8>::zeros();
    train().for_each(|observation| means += column(observation));
    means /= train_rows as f64;
    let mut moments = SMatrix::<f64, 8, 8>::zeros();
    for observation in train() {
        let centred = column(observation) - means;
        moments.ger(1.0, &centred, &centred, 1.0);
    }
    let (slopes, is_determined) = solve(&moments).ok_or_else(unfit)?;
    if !is_determined {
        warn!(train_rows, "the regressors depend on each other: the smallest coefficients are taken");
    }
    let intercept = means[7] - (0..7).map(|at| slopes[at] * means[at]).sum::<f64>();
    let [dep_delay, distance, hour, temp, wind_speed, precip, visib] = slopes;
    info!(train_rows, intercept, dep_delay, "fitted the model");
    let coefficients = Coefficients { dep_delay, distance, hour, temp, wind_speed, precip, visib };
    Ok(Model { intercept, coefficients, train_rows })
}

/// The regressors, and the arrival delay last.
fn column(observation: &Observation) -> SVector<f64, 8> {
    let [a, b, c, d, e, f, g] = observation.regressors;
    SVector::<f64, 8>::from([a, b, c, d, e, f, g, observation.arr_delay])
}

/// Solves the normal equations, scaled to a unit diagonal, by their singular
/// values; also says whether there is one solution only.
fn solve(moments: &SMatrix<f64, 8, 8>) -> Option<([f64; 7], bool)> {
    const RANK_TOLERANCE: f64 = 1e-11;
    let scale: Vec<f64> = (0..7).map(|at| moments[(at, at)].sqrt()).collect();
    let unit = |at: usize| if scale[at] > 0.0 { 1.0 / scale[at] } else { 0.0 };
    let matrix = DMatrix::from_fn(7, 7, |row, col| moments[(row, col)] * unit(row) * unit(col));
    let right = DVector::from_fn(7, |row, _| moments[(row, 7)] * unit(row));
    let svd = matrix.svd(true, true);
    let is_determined = svd.rank(RANK_TOLERANCE) == 7;
    let solution = svd.solve(&right, RANK_TOLERANCE).ok()?;
    Some((std::array::from_fn(|at| solution[at] * unit(at)), is_determined))
}

/// How well the model tells the flights that were kept for testing.
pub(crate) fn evaluate(observations: &[Observation], model: &Model) -> Metrics {
    let test = || observations.iter().filter(|observation| observation.is_test);
    let test_rows = test().count();
    let rows = test_rows as f64;
    let mean = test().map(|observation| observation.arr_delay).sum::<f64>() / rows;
    let (mut squares, mut absolute, mut total) = (0.0, 0.0, 0.0);
    for observation in test() {
        let error = observation.arr_delay - predict(model, observation);
        squares += error * error;
        absolute += error.abs();
        total += (observation.arr_delay - mean).powi(2);
    }
    let given = |value: f64| (test_rows > 0).then_some(value);
    let metrics = Metrics {
        test_rows,
        rmse: given((squares / rows).sqrt()),
        mae: given(absolute / rows),
        r2: (total > 0.0).then(|| 1.0 - squares / total),
    };
    info!(test_rows, rmse = metrics.rmse, r2 = metrics.r2, "judged the model");
    metrics
}

fn predict(model: &Model, observation: &Observation) -> f64 {
    let Coefficients { dep_delay, distance, hour, temp, wind_speed, precip, visib } =
        model.coefficients;
    let slopes = [dep_delay, distance, hour, temp, wind_speed, precip, visib];
    let products = slopes.iter().zip(&observation.regressors).map(|(slope, value)| slope * value);
    model.intercept + products.sum::<f64>()
}
