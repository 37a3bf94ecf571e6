//! The nodes that sum up: by carrier, by route, by hour.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;
use tracing::info;

use crate::records::{Airline, Airport, Carrier, Code, Flight, Hour, Route};

/// A mean that grows.
#[derive(Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    /// `None` where there was nothing to take the mean of.
    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Flights, cancellations and delays of each carrier: most flights first, then
/// by code.
pub(crate) fn carriers(flights: &[Flight], airlines: &[Airline]) -> Vec<Carrier> {
    #[derive(Default)]
    struct Group {
        flights: u64,
        cancelled: u64,
        dep_delay: Mean,
        arr_delays: Vec<f64>,
    }
    let mut groups: FxHashMap<Code, Group> = FxHashMap::default();
    for flight in flights {
        let group = groups.entry(flight.carrier).or_default();
        group.flights += 1;
        group.cancelled += u64::from(flight.is_cancelled());
        group.dep_delay.add(flight.dep_delay);
        group.arr_delays.extend(flight.arr_delay);
    }
    let names = names(airlines.iter().map(|airline| (&airline.carrier, &airline.name)));
    let mut carriers: Vec<Carrier> = groups
        .into_iter()
        .map(|(carrier, mut group)| Carrier {
            name: names.get(&carrier).map_or_else(String::new, |name| (*name).clone()),
            carrier,
            flights: group.flights,
            cancelled: group.cancelled,
            mean_dep_delay: group.dep_delay.value(),
            mean_arr_delay: mean(&group.arr_delays),
            p90_arr_delay: nearest_rank(&mut group.arr_delays, 0.9),
        })
        .collect();
    carriers
        .sort_by(|a, b| (Reverse(a.flights), &a.carrier).cmp(&(Reverse(b.flights), &b.carrier)));
    if let Some(first) = carriers.first() {
        info!(carrier = %first.carrier, flights = first.flights, "the largest carrier");
    }
    carriers
}

/// The `top` routes with most flights, then by origin and destination.
pub(crate) fn routes(flights: &[Flight], airports: &[Airport], top: &usize) -> Vec<Route> {
    let mut groups: FxHashMap<(Code, Code), (u64, Mean)> = FxHashMap::default();
    for flight in flights {
        let (count, arr_delay) = groups.entry((flight.origin, flight.dest)).or_default();
        *count += 1;
        arr_delay.add(flight.arr_delay);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|(a, (x, _)), (b, (y, _))| (Reverse(x), a).cmp(&(Reverse(y), b)));
    info!(routes = groups.len(), reported = groups.len().min(*top), "ranked the routes");
    let names = names(airports.iter().map(|airport| (&airport.faa, &airport.name)));
    let routes =
        groups.into_iter().take(*top).map(|((origin, dest), (flights, arr_delay))| Route {
            dest_name: names.get(&dest).map_or_else(String::new, |name| (*name).clone()),
            origin,
            dest,
            flights,
            mean_arr_delay: arr_delay.value(),
        });
    routes.collect()
}

/// Flights and departure delay by the scheduled hour; flights without one last.
pub(crate) fn hourly(flights: &[Flight]) -> Vec<Hour> {
    const NO_HOUR: usize = 256;
    let mut groups = [(0, 0, Mean::default()); NO_HOUR + 1];
    for flight in flights {
        let (count, cancelled, dep_delay) = &mut groups[flight.hour.map_or(NO_HOUR, usize::from)];
        *count += 1;
        *cancelled += u64::from(flight.is_cancelled());
        dep_delay.add(flight.dep_delay);
    }
    let hours = groups.into_iter().enumerate().filter(|(_, (flights, ..))| *flights > 0);
    let hours = hours.map(|(hour, (flights, cancelled, dep_delay))| Hour {
        hour: u8::try_from(hour).ok(),
        flights,
        cancelled,
        mean_dep_delay: dep_delay.value(),
    });
    hours.collect()
}

/// The first name of each code.
fn names<'a>(
    pairs: impl Iterator<Item = (&'a Code, &'a String)>,
) -> FxHashMap<&'a Code, &'a String> {
    let mut names = FxHashMap::default();
    for (code, name) in pairs {
        names.entry(code).or_insert(name);
    }
    names
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The value number ceil(`share` × n) of the sorted values.
fn nearest_rank(values: &mut [f64], share: f64) -> Option<f64> {
    let rank = (share * values.len() as f64).ceil() as usize;
    let at = rank.checked_sub(1)?;
    Some(*values.select_nth_unstable_by(at, f64::total_cmp).1)
}
