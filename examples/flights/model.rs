//! The nodes that join flights with weather, and fit and judge a linear model of
//! the arrival delay.

use std::error::Error;

use entourage::ParallelIteratorExt;
use nalgebra::{SMatrix, SVector};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use tracing::{info, warn};

use crate::records::{
    Code, Coefficients, Flight, Metrics, Model, Observation, REGRESSORS, TimeHour, WeatherHour,
};

/// How many flights make a part that one worker does at a time.
const PART: usize = 1 << 14;

/// The weather of an airport and an hour, where all four values are known:
/// temperature, wind speed, precipitation, visibility.
pub(crate) type WeatherIndex = FxHashMap<Code, FxHashMap<TimeHour, [f64; 4]>>;

/// Finds the complete hours. Of several rows for one hour the first counts.
pub(crate) fn index_weather(weather: &[WeatherHour]) -> WeatherIndex {
    let mut index = WeatherIndex::default();
    for hour in weather {
        let values = (hour.temp, hour.wind_speed, hour.precip, hour.visib);
        if let (Some(temp), Some(wind_speed), Some(precip), Some(visib)) = values {
            let hours = index.entry(hour.origin).or_default();
            hours.entry(hour.time_hour).or_insert([temp, wind_speed, precip, visib]);
        }
    }
    let complete = index.values().map(FxHashMap::len).sum::<usize>();
    info!(hours = weather.len(), complete, "indexed the weather");
    index
}

/// The flights that have everything the model needs.
pub(crate) fn observe(flights: &[Flight], weather: &WeatherIndex, every: &u8) -> Vec<Observation> {
    let every = u32::from(*every);
    let observe = |flight: &Flight| {
        let [temp, wind_speed, precip, visib] =
            *weather.get(&flight.origin)?.get(&flight.time_hour)?;
        let (dep_delay, arr_delay) = (flight.dep_delay?, flight.arr_delay?);
        let (distance, hour) = (flight.distance?, f64::from(flight.hour?));
        let is_test = every != 0 && u32::from(flight.day?) % every == 0;
        let regressors = [dep_delay, distance, hour, temp, wind_speed, precip, visib];
        Some(Observation { regressors, arr_delay, is_test })
    };
    let parts: Vec<Vec<Observation>> = flights
        .par_chunks(PART)
        .in_context()
        .map(|flights| {
            let mut part = Vec::with_capacity(flights.len());
            part.extend(flights.iter().filter_map(observe));
            info!(flights = flights.len(), usable = part.len(), "joined a part with the weather");
            part
        })
        .collect();
    parts.concat()
}

/// Least squares of the arrival delay on the regressors, over the flights that
/// are not kept for testing. Of several solutions (the regressors depend on each
/// other) the smallest; of none (no flights) an empty model.
///
/// # Errors
///
/// If the values are too large to be summed up.
pub(crate) fn fit(observations: &[Observation]) -> Result<Model, Box<dyn Error + Send + Sync>> {
    let sums = sum(observations, false, |sums: &mut SVector<f64, 9>, observation| {
        *sums += column(observation).push(1.0);
    });
    let rows = sums[8];
    let train_rows = rows as usize;
    if train_rows == 0 {
        warn!("no usable flight to learn from: the model is empty");
        return Ok(Model { intercept: None, coefficients: Coefficients::default(), train_rows });
    }
    // Moments about the means: then the columns' sizes do not drown each other.
    let means = sums.fixed_rows::<8>(0) / rows;
    let moments = sum(observations, false, |moments: &mut SMatrix<f64, 8, 8>, observation| {
        let centred = column(observation) - means;
        moments.ger(1.0, &centred, &centred, 1.0);
    });
    if moments.iter().any(|moment| !moment.is_finite()) {
        return Err(
            format!("the {train_rows} usable flights have values too large to sum up").into()
        );
    }
    let slopes = solve(&moments);
    let intercept = means[7] - (0..7).map(|at| slopes[at] * means[at]).sum::<f64>();
    let [dep_delay, distance, hour, temp, wind_speed, precip, visib] = slopes.map(Some);
    info!(train_rows, intercept, dep_delay, "fitted the model");
    let coefficients = Coefficients { dep_delay, distance, hour, temp, wind_speed, precip, visib };
    Ok(Model { intercept: Some(intercept), coefficients, train_rows })
}

/// Adds up something of the observations that are kept for testing, or of the
/// others: in parts, by several workers. The parts are always the same, and so is
/// the order in which they are put together.
fn sum<const R: usize, const C: usize>(
    observations: &[Observation],
    of_test: bool,
    add: impl Fn(&mut SMatrix<f64, R, C>, &Observation) + Sync,
) -> SMatrix<f64, R, C> {
    let parts = observations.par_chunks(PART).in_context().map(|part| {
        let mut sum = SMatrix::zeros();
        part.iter().filter(|item| item.is_test == of_test).for_each(|item| add(&mut sum, item));
        sum
    });
    parts.collect::<Vec<_>>().into_iter().sum()
}

/// The regressors, and the arrival delay last.
fn column(observation: &Observation) -> SVector<f64, 8> {
    let [a, b, c, d, e, f, g] = observation.regressors;
    SVector::from([a, b, c, d, e, f, g, observation.arr_delay])
}

/// Solves the normal equations, scaled to a unit diagonal, by their singular
/// values.
fn solve(moments: &SMatrix<f64, 8, 8>) -> [f64; 7] {
    const RANK_TOLERANCE: f64 = 1e-11;
    let size = |at: usize| moments[(at, at)].sqrt();
    let unit = |at: usize| if size(at) > 0.0 { 1.0 / size(at) } else { 0.0 };
    let matrix = SMatrix::<f64, 7, 7>::from_fn(|row, column| {
        moments[(row, column)] * unit(row) * unit(column)
    });
    let right = SVector::<f64, 7>::from_fn(|row, _| moments[(row, 7)] * unit(row));
    let svd = matrix.svd(true, true);
    let rank = svd.rank(RANK_TOLERANCE);
    if rank < REGRESSORS.len() {
        warn!(rank, "the regressors depend on each other: the smallest coefficients are taken");
    }
    let solution = svd.solve(&right, RANK_TOLERANCE).unwrap_or_default();
    std::array::from_fn(|at| solution[at] * unit(at))
}

/// How well the model tells the flights that were kept for testing.
pub(crate) fn evaluate(observations: &[Observation], model: &Model) -> Metrics {
    let sums = sum(observations, true, |sums: &mut SVector<f64, 2>, observation| {
        *sums += SVector::from([1.0, observation.arr_delay]);
    });
    let rows = sums[0];
    let test_rows = rows as usize;
    let Some(predict) = predictor(model) else {
        return Metrics { test_rows, rmse: None, mae: None, r2: None };
    };
    let mean = sums[1] / rows;
    let sums = sum(observations, true, |sums: &mut SVector<f64, 3>, observation| {
        let error = observation.arr_delay - predict(observation);
        *sums +=
            SVector::from([error * error, error.abs(), (observation.arr_delay - mean).powi(2)]);
    });
    let [squares, absolute, total] = sums.into();
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

/// `None` for an empty model.
fn predictor(model: &Model) -> Option<impl Fn(&Observation) -> f64> {
    let Coefficients { dep_delay, distance, hour, temp, wind_speed, precip, visib } =
        model.coefficients;
    let slopes = [dep_delay?, distance?, hour?, temp?, wind_speed?, precip?, visib?];
    let intercept = model.intercept?;
    Some(move |observation: &Observation| {
        let products =
            slopes.iter().zip(&observation.regressors).map(|(slope, value)| slope * value);
        intercept + products.sum::<f64>()
    })
}
