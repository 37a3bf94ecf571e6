//! Reads a trace back, and holds it to what the "Trace Event Format" asks of one.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

type Object = Map<String, Value>;
/// A name, a category, the id of the thread: all that an event has of itself.
type Fields = &'static [&'static str];

/// A trace that conforms to the format.
pub(crate) struct Trace {
    events: Vec<Object>,
    pub(crate) other_data: Object,
}

/// A slice of a thread, in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) thread: String,
    pub(crate) tid: u64,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) args: Value,
}

impl Trace {
    /// Reads a trace. Panics with what is wrong with it.
    pub(crate) fn read(text: &[u8]) -> Self {
        let whole: Value = serde_json::from_slice(text).expect("a trace is JSON");
        let Value::Object(mut whole) = whole else { panic!("not the object form: {whole}") };
        let Some(Value::Array(events)) = whole.remove("traceEvents") else { panic!("no events") };
        let events = events.into_iter().map(|event| match event {
            Value::Object(event) => event,
            other => panic!("an event is no object: {other}"),
        });
        let unit = whole.remove("displayTimeUnit");
        assert!(matches!(unit.as_ref().and_then(Value::as_str), Some("ms" | "ns")), "{unit:?}");
        let Some(Value::Object(other_data)) = whole.remove("otherData") else { panic!("no data") };
        assert!(whole.is_empty(), "it has more than the format knows: {whole:?}");
        let trace = Self { events: events.collect(), other_data };
        trace.events.iter().for_each(check_fields);
        trace.check_metadata();
        trace.check_nesting();
        trace.check_arrows();
        trace.check_asynchronous();
        trace.check_counters();
        trace
    }

    pub(crate) fn of_phase<'a>(&'a self, phase: &'a str) -> impl Iterator<Item = &'a Object> {
        self.events.iter().filter(move |event| event["ph"] == phase)
    }

    /// The slices, told at once (`X`) or by their two ends, in their order in time.
    pub(crate) fn slices(&self) -> Vec<Slice> {
        let names = self.thread_names();
        let mut slices = Vec::new();
        let mut open: HashMap<u64, Vec<Slice>> = HashMap::new();
        for event in &self.events {
            let phase = text(event, "ph");
            if !matches!(phase, "X" | "B" | "E") {
                continue;
            }
            let (begin, tid) = (nanos(event, "ts"), number(event, "tid"));
            let slice = || Slice {
                name: text(event, "name").to_owned(),
                category: text(event, "cat").to_owned(),
                thread: names[&tid].clone(),
                tid,
                begin,
                end: begin + event.get("dur").map_or(0, |_| nanos(event, "dur")),
                args: event.get("args").cloned().unwrap_or_default(),
            };
            let open = open.entry(tid).or_default();
            match phase {
                "X" => slices.push(slice()),
                "B" => open.push(slice()),
                _ => {
                    let begun = open.pop().unwrap_or_else(|| panic!("an end alone: {event:?}"));
                    assert_eq!(
                        (&*begun.name, &*begun.category),
                        (text(event, "name"), text(event, "cat"))
                    );
                    assert!(begun.begin <= begin, "it ends before it begins: {event:?}");
                    slices.push(Slice { end: begin, ..begun });
                }
            }
        }
        assert!(open.values().all(Vec::is_empty), "begun and not ended: {open:?}");
        slices.sort_by_key(|slice| (slice.tid, slice.begin, std::cmp::Reverse(slice.end)));
        slices
    }

    pub(crate) fn of_category(&self, category: &str) -> Vec<Slice> {
        let mut slices = self.slices();
        slices.retain(|slice| slice.category == category);
        slices
    }

    fn thread_names(&self) -> HashMap<u64, String> {
        let names = self.of_phase("M").filter(|event| event["name"] == "thread_name");
        let names = names.map(|event| (number(event, "tid"), event["args"]["name"].as_str()));
        names.map(|(tid, name)| (tid, name.expect("a name is a text").to_owned())).collect()
    }

    /// The names of the slices at both ends of each arrow, as a viewer finds them
    /// that goes through the events by time: the one that was begun last and has not
    /// been ended, or, where it was told at once, after which none was begun.
    pub(crate) fn arrows(&self) -> Vec<(String, String)> {
        let mut events: Vec<&Object> =
            self.events.iter().filter(|event| event["ph"] != "M").collect();
        events.sort_by_key(|event| nanos(event, "ts"));
        let mut open: HashMap<u64, Vec<(String, Option<u64>)>> = HashMap::new();
        let mut from = HashMap::new();
        let mut arrows = Vec::new();
        for event in events {
            let (at, open) = (nanos(event, "ts"), open.entry(number(event, "tid")).or_default());
            match text(event, "ph") {
                phase @ ("X" | "B") => {
                    while open.pop_if(|(_, end)| end.is_some_and(|end| end <= at)).is_some() {}
                    let end = (phase == "X").then(|| at + nanos(event, "dur"));
                    open.push((text(event, "name").to_owned(), end));
                }
                "E" => {
                    let begun = open.iter().rposition(|(_, end)| end.is_none());
                    open.truncate(begun.expect("an end has a beginning"));
                }
                phase @ ("s" | "f") => {
                    let (slice, _) = open.last().expect("an arrow is bound to a slice");
                    match phase {
                        "s" => _ = from.insert(event["id"].to_string(), slice.clone()),
                        _ => arrows.push((from[&event["id"].to_string()].clone(), slice.clone())),
                    }
                }
                _ => {}
            }
        }
        arrows.sort();
        arrows
    }

    /// What comes first names every lane that something is on, once.
    fn check_metadata(&self) {
        let count = self.of_phase("M").count();
        assert!(
            self.events[..count].iter().all(|event| event["ph"] == "M"),
            "metadata is not first"
        );
        let mut seen = HashSet::new();
        for event in self.of_phase("M") {
            assert!(seen.insert((text(event, "name"), number(event, "tid"))), "twice: {event:?}");
        }
        for event in &self.events[count..] {
            let tid = number(event, "tid");
            assert!(seen.contains(&("thread_name", tid)), "on a lane without a name: {event:?}");
        }
        assert_eq!(seen.iter().filter(|(name, _)| *name == "process_name").count(), 1);
    }

    /// On each thread two slices are apart, or one is inside the other; and where
    /// they are told by their ends, those come in the order of time.
    fn check_nesting(&self) {
        let mut last = HashMap::new();
        for event in self.events.iter().filter(|event| matches!(text(event, "ph"), "B" | "E")) {
            let at = nanos(event, "ts");
            let before = last.insert(number(event, "tid"), at).unwrap_or(0);
            assert!(before <= at, "it goes back in time: {event:?}");
        }
        let mut open: HashMap<u64, Vec<Slice>> = HashMap::new();
        for slice in self.slices() {
            let open = open.entry(slice.tid).or_default();
            while open.pop_if(|outer| outer.end <= slice.begin).is_some() {}
            if let Some(outer) = open.last() {
                assert!(slice.end <= outer.end, "{slice:?}\nends after\n{outer:?}");
            }
            open.push(slice);
        }
    }

    /// Each arrow has one beginning and one end, in this order in time, and a slice
    /// around each.
    fn check_arrows(&self) {
        let mut by_thread: HashMap<u64, Vec<Slice>> = HashMap::new();
        for slice in self.slices() {
            by_thread.entry(slice.tid).or_default().push(slice);
        }
        // The outermost slices of a thread are apart: one of them is around it.
        for slices in by_thread.values_mut() {
            let mut end = 0;
            slices.retain(|slice| {
                let is_outer = slice.begin >= end || slice.end > end;
                end = end.max(slice.end);
                is_outer
            });
        }
        let mut ends: BTreeMap<String, [Vec<u64>; 2]> = BTreeMap::new();
        for event in self.events.iter().filter(|event| matches!(text(event, "ph"), "s" | "f")) {
            let (at, is_end) = (nanos(event, "ts"), event["ph"] == "f");
            let key = format!("{} {} {}", event["cat"], event["name"], event["id"]);
            ends.entry(key).or_default()[usize::from(is_end)].push(at);
            let slices = by_thread.get(&number(event, "tid")).map_or(&[][..], Vec::as_slice);
            let near = slices.partition_point(|slice| slice.begin <= at);
            let is_in = slices[..near].iter().rev().take(2).any(|slice| at <= slice.end);
            assert!(is_in, "no slice is around {event:?}");
        }
        for (key, [starts, ends]) in ends {
            let ([start], [end]) = (&starts[..], &ends[..]) else {
                panic!("arrow {key} starts at {starts:?} and ends at {ends:?}")
            };
            assert!(start <= end, "arrow {key} goes back in time");
        }
    }

    /// What is begun of one id is ended, and no two of an id overlap.
    fn check_asynchronous(&self) {
        let is_one = |event: &&Object| matches!(text(event, "ph"), "b" | "e");
        let mut events: Vec<&Object> = self.events.iter().filter(is_one).collect();
        events.sort_by_key(|event| nanos(event, "ts"));
        let mut open = HashMap::new();
        for event in events {
            let key = (text(event, "cat"), text(event, "id"));
            match text(event, "ph") {
                "b" => assert!(open.insert(key, text(event, "name")).is_none(), "over: {event:?}"),
                _ => assert_eq!(open.remove(&key), Some(text(event, "name")), "{event:?}"),
            }
        }
        assert!(open.is_empty(), "begun and not ended: {open:?}");
    }

    /// A counter is never below zero, goes on in time, and ends at zero.
    fn check_counters(&self) {
        let mut last: HashMap<(&str, &str), (u64, f64)> = HashMap::new();
        for event in self.of_phase("C") {
            for (series, value) in event["args"].as_object().expect("a counter has series") {
                let value = value.as_f64().expect("a counter is a number");
                assert!(value >= 0.0, "below zero: {event:?}");
                let at = nanos(event, "ts");
                let before = last.insert((text(event, "name"), series), (at, value));
                assert!(before.is_none_or(|(before, _)| before < at), "not later: {event:?}");
            }
        }
        assert!(last.values().all(|(_, value)| *value == 0.0), "not zero at the end: {last:?}");
    }
}

/// An event has what its phase asks for, of the right type, and nothing that the
/// format does not know.
fn check_fields(event: &Object) {
    let required: Fields = match text(event, "ph") {
        "M" => &["args"],
        "X" => &["cat", "ts", "dur"],
        "B" | "E" => &["cat", "ts"],
        "b" | "e" => &["cat", "ts", "id"],
        "s" => &["cat", "ts", "id"],
        "f" => &["cat", "ts", "id", "bp"],
        "i" => &["cat", "ts", "s"],
        "C" => &["ts", "args"],
        other => panic!("unknown phase {other}: {event:?}"),
    };
    let optional: Fields = &["args", "cname"];
    let common: Fields = &["name", "ph", "pid", "tid"];
    for field in required.iter().chain(common) {
        assert!(event.contains_key(*field), "no {field}: {event:?}");
    }
    for (field, value) in event {
        let is_known = [required, optional, common].concat().contains(&&**field);
        assert!(is_known, "{field} is not for this phase: {event:?}");
        let is_right = match &**field {
            "name" | "cat" | "cname" | "ph" => value.is_string(),
            "pid" | "tid" => value.as_u64().is_some_and(|id| u32::try_from(id).is_ok()),
            "ts" | "dur" => value.as_f64().is_some_and(|time| time.is_finite() && time >= 0.0),
            "id" => value.is_string() || value.is_u64(),
            "bp" => value == "e",
            "s" => matches!(value.as_str(), Some("g" | "p" | "t")),
            "args" => value.is_object(),
            _ => false,
        };
        assert!(is_right, "{field} is of another type: {event:?}");
    }
}

pub(crate) fn text<'a>(event: &'a Object, field: &str) -> &'a str {
    event.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("no {field}: {event:?}"))
}

pub(crate) fn number(event: &Object, field: &str) -> u64 {
    event.get(field).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {field}: {event:?}"))
}

/// A time, which is told in microseconds.
pub(crate) fn nanos(event: &Object, field: &str) -> u64 {
    let micros = event.get(field).and_then(Value::as_f64);
    (micros.unwrap_or_else(|| panic!("no {field}: {event:?}")) * 1e3).round() as u64
}
