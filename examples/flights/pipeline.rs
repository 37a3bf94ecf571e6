//! The nodes, and what they read and write.

use entourage::{Data, Pipeline, PipelineError, node};

use crate::model::{self, WeatherIndex};
use crate::plot;
use crate::records::{
    AIRLINES, AIRPORTS, CARRIERS, DELAYS, FLIGHTS, HOLDOUT_EVERY, HOURLY, METRICS, MODEL,
    Observation, ROUTES, TOP, WEATHER,
};
use crate::reports;

const WEATHER_INDEX: Data<WeatherIndex> = Data::memory("weather_index");
const OBSERVATIONS: Data<[Observation]> = Data::memory("observations");

pub(crate) fn pipeline() -> Result<Pipeline, PipelineError> {
    Pipeline::new([
        node(reports::carriers).reads((FLIGHTS, AIRLINES)).writes(CARRIERS).tag("report"),
        node(reports::routes).reads((FLIGHTS, AIRPORTS, TOP)).writes(ROUTES).tag("report"),
        node(reports::hourly).reads(FLIGHTS).writes(HOURLY).tag("report"),
        node(plot::plot_delays).reads((HOURLY, CARRIERS)).writes(DELAYS).tag("report"),
        node(model::index_weather).reads(WEATHER).writes(WEATHER_INDEX).tag("model"),
        node(model::observe)
            .reads((FLIGHTS, WEATHER_INDEX, HOLDOUT_EVERY))
            .writes(OBSERVATIONS)
            .tag("model"),
        node(model::fit).reads(OBSERVATIONS).writes(MODEL).tag("model"),
        node(model::evaluate).reads((OBSERVATIONS, MODEL)).writes(METRICS).tag("model"),
    ])
}
