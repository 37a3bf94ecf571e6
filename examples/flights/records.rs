//! The tables, as serde sees them, and the names of the data.

use entourage::Data;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::names::Name;

/// A code of an airline or an airport.
pub(crate) type Code = Name;
/// An hour in UTC, such as `2013-01-01T10:00:00Z`.
pub(crate) type TimeHour = Name;

/// One scheduled flight; delays in minutes, the distance in miles.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Flight {
    pub(crate) day: Option<u8>,
    pub(crate) dep_time: Option<u16>,
    #[serde(deserialize_with = "finite")]
    pub(crate) dep_delay: Option<f64>,
    #[serde(deserialize_with = "finite")]
    pub(crate) arr_delay: Option<f64>,
    pub(crate) carrier: Code,
    pub(crate) origin: Code,
    pub(crate) dest: Code,
    #[serde(deserialize_with = "finite")]
    pub(crate) distance: Option<f64>,
    pub(crate) hour: Option<u8>,
    pub(crate) time_hour: TimeHour,
}

/// Reads a number, and takes neither infinity nor "not a number" for one.
fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(deserializer)? {
        Some(value) if !value.is_finite() => Err(D::Error::custom("expected a finite number")),
        value => Ok(value),
    }
}

impl Flight {
    /// A flight that never left has no departure time.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.dep_time.is_none()
    }
}

/// The weather at one airport in one hour: degrees Fahrenheit, miles per hour,
/// inches of rain, miles of visibility.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WeatherHour {
    pub(crate) origin: Code,
    pub(crate) time_hour: TimeHour,
    #[serde(deserialize_with = "finite")]
    pub(crate) temp: Option<f64>,
    #[serde(deserialize_with = "finite")]
    pub(crate) wind_speed: Option<f64>,
    #[serde(deserialize_with = "finite")]
    pub(crate) precip: Option<f64>,
    #[serde(deserialize_with = "finite")]
    pub(crate) visib: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Airline {
    pub(crate) carrier: Code,
    pub(crate) name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Airport {
    pub(crate) faa: Code,
    pub(crate) name: String,
}

/// A line of `carriers.csv`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Carrier {
    pub(crate) carrier: Code,
    pub(crate) name: String,
    pub(crate) flights: u64,
    pub(crate) cancelled: u64,
    pub(crate) mean_dep_delay: Option<f64>,
    pub(crate) mean_arr_delay: Option<f64>,
    pub(crate) p90_arr_delay: Option<f64>,
}

/// A line of `routes.csv`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) origin: Code,
    pub(crate) dest: Code,
    pub(crate) dest_name: String,
    pub(crate) flights: u64,
    pub(crate) mean_arr_delay: Option<f64>,
}

/// A line of `hourly.csv`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hour {
    pub(crate) hour: Option<u8>,
    pub(crate) flights: u64,
    pub(crate) cancelled: u64,
    pub(crate) mean_dep_delay: Option<f64>,
}

/// What the model looks at, in the order of its coefficients.
pub(crate) const REGRESSORS: [&str; 7] =
    ["dep_delay", "distance", "hour", "temp", "wind_speed", "precip", "visib"];

/// One flight that the model can use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    /// In the order of [`REGRESSORS`].
    pub(crate) regressors: [f64; 7],
    pub(crate) arr_delay: f64,
    pub(crate) is_test: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Coefficients {
    pub(crate) dep_delay: Option<f64>,
    pub(crate) distance: Option<f64>,
    pub(crate) hour: Option<f64>,
    pub(crate) temp: Option<f64>,
    pub(crate) wind_speed: Option<f64>,
    pub(crate) precip: Option<f64>,
    pub(crate) visib: Option<f64>,
}

/// `model.json`: minutes of arrival delay, linear in the regressors. Empty where
/// there was no flight to learn from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) intercept: Option<f64>,
    pub(crate) coefficients: Coefficients,
    pub(crate) train_rows: usize,
}

/// `metrics.json`: how well the model tells the held-out flights; errors in
/// minutes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Metrics {
    pub(crate) test_rows: usize,
    pub(crate) rmse: Option<f64>,
    pub(crate) mae: Option<f64>,
    pub(crate) r2: Option<f64>,
}

pub(crate) const FLIGHTS: Data<[Flight]> = Data::records("flights");
pub(crate) const WEATHER: Data<[WeatherHour]> = Data::records("weather");
pub(crate) const AIRLINES: Data<[Airline]> = Data::records("airlines");
pub(crate) const AIRPORTS: Data<[Airport]> = Data::records("airports");
pub(crate) const TOP: Data<usize> = Data::parameter("routes.top");
pub(crate) const HOLDOUT_EVERY: Data<u8> = Data::parameter("model.holdout_every");
pub(crate) const CARRIERS: Data<[Carrier]> = Data::records("carriers");
pub(crate) const ROUTES: Data<[Route]> = Data::records("routes");
pub(crate) const HOURLY: Data<[Hour]> = Data::records("hourly");
pub(crate) const MODEL: Data<Model> = Data::value("model");
pub(crate) const METRICS: Data<Metrics> = Data::value("metrics");
pub(crate) const DELAYS: Data<str> = Data::text("delays");
