//! Nodes that yield what they write, chunk by chunk.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use entourage::{
    Catalog, ChunkError, Chunks, Collect, Data, Fate, Pipeline, RunOptions, SequentialRunner, node,
};
use pipelines::{told, with_each_runner};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

const NUMBERS: Data<[u64]> = Data::memory("numbers");
const EVEN: Data<[u64]> = Data::memory("even");
const ODD: Data<[u64]> = Data::memory("odd");
const TEXT: Data<str> = Data::text("text");
const BYTES: Data<[u8]> = Data::bytes("bytes");

fn catalog() -> Catalog {
    Catalog::builder().value(&NUMBERS, (0..10).collect()).build().unwrap()
}

/// In threes, the even ones before the odd ones.
fn split(
    numbers: &[u64],
    even: &mut Chunks<[u64]>,
    odd: &mut Chunks<[u64]>,
) -> Result<(), ChunkError> {
    for few in numbers.chunks(3) {
        let (evens, odds) = few.iter().partition(|number| *number % 2 == 0);
        even.push(evens)?;
        odd.push(odds)?;
    }
    Ok(())
}

#[test]
fn chunks_are_collected_in_order_each_in_its_output() {
    let sum = |even: &[u64], odd: &[u64]| (even.to_vec(), odd.to_vec());
    let both = Data::<(Vec<u64>, Vec<u64>)>::memory("both");
    let pipeline = Pipeline::new([
        node(split).reads(NUMBERS).yields((EVEN, ODD)),
        node(sum).reads((EVEN, ODD)).writes(both.clone()).named("both"),
    ])
    .unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog(), RunOptions::new()).unwrap();
        let expected = (vec![0, 2, 4, 6, 8], vec![1, 3, 5, 7, 9]);
        assert_eq!(report.take_output(&both).unwrap(), expected);
        assert_eq!(report.node("split").unwrap().rows, Some(10));
    });
}

#[test]
fn function_without_inputs_or_errors_and_one_named_by_strings_yield_too() {
    let count = |out: &mut Chunks<[u64]>| {
        for number in 0..3 {
            // What cannot be saved is the node's failure also where it is not looked at.
            let _ = out.push(vec![number]);
        }
    };
    let text = |numbers: &[u64], text: &mut Chunks<str>, bytes: &mut Chunks<[u8]>| {
        for number in numbers {
            text.push(number.to_string())?;
            bytes.push(vec![b'0' + *number as u8])?;
        }
        Ok::<(), BoxError>(())
    };
    let pipeline = Pipeline::new([
        node(count).reads(()).yields((EVEN,)).named("count"),
        node(text).reads_named("even").yields_named(("text", "bytes")).named("text"),
        node(count).reads(()).yields_named("odd").named("odd"),
    ])
    .unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&TEXT).unwrap(), "012");
        assert_eq!(report.take_output(&BYTES).unwrap(), b"012");
        assert_eq!(report.take_output(&ODD).unwrap(), [0, 1, 2]);
    });
}

#[test]
fn iterator_of_chunks_is_pushed_item_by_item() {
    let ones = |numbers: Vec<u64>| numbers.into_iter().map(|number| vec![number]);
    let pairs = |numbers: Vec<u64>| {
        numbers.into_iter().map(|number| Ok::<_, BoxError>((number.to_string(), vec![1_u8])))
    };
    let pipeline = Pipeline::new([
        node(ones).reads(NUMBERS.take()).yields_from(EVEN).named("ones"),
        node(pairs).reads(NUMBERS.take()).yields_from((TEXT, BYTES)).named("pairs"),
    ])
    .unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog(), RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&EVEN).unwrap(), (0..10).collect::<Vec<_>>());
        assert_eq!(report.take_output(&TEXT).unwrap(), "0123456789");
        assert_eq!(report.take_output(&BYTES).unwrap(), [1; 10]);
    });
}

#[test]
fn output_without_a_chunk_is_empty_and_there() {
    let silent = |_: &mut Chunks<[u64]>, _: &mut Chunks<str>| {};
    let length = |numbers: &[u64], text: &str| (numbers.len() + text.len()) as u64;
    let length =
        node(length).reads((EVEN, TEXT)).writes(Data::<u64>::memory("length")).named("length");
    let silent = node(silent).reads(()).yields((EVEN, TEXT)).named("silent");
    let pipeline = Pipeline::new([silent, length]).unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&Data::<u64>::memory("length")), Some(0));
    });
}

#[test]
fn error_or_panic_between_chunks_is_the_nodes_failure_and_keeps_nothing() {
    type Fails = fn(&mut Chunks<[u64]>) -> Result<(), BoxError>;
    let fails: [Fails; 2] = [
        |out| {
            out.push(vec![1])?;
            Err("no second one".into())
        },
        |out| {
            out.push(vec![1])?;
            panic!("no second one")
        },
    ];
    for fail in fails {
        let after = node(|_: &[u64]| ()).reads(EVEN).writes(()).named("after");
        let fail = node(fail).reads(()).yields((EVEN,)).named("fail");
        let pipeline = Pipeline::new([fail, after]).unwrap();
        let catalog = Catalog::builder().memory("even").build().unwrap();
        with_each_runner(|runner| {
            let error =
                runner.run(&pipeline, &catalog, RunOptions::new().keep_going()).unwrap_err();
            let failure = error.failures().next().unwrap();
            assert!(failure.to_string().contains("no second one"), "{failure}");
            assert!(failure.is_error() || failure.is_panic());
            let fate = &error.report().unwrap().node("after").unwrap().fate;
            assert!(matches!(fate, Fate::Skipped { .. }));
            // Nothing was saved: who only reads finds nothing.
            let reader = node(|_: &[u64]| ()).reads(EVEN).writes(()).named("reader");
            let reader = Pipeline::new([reader]).unwrap();
            let refused = runner.run(&reader, &catalog, RunOptions::new()).unwrap_err();
            assert!(told(refused).contains("nothing has been saved there"));
        });
    }
}

#[test]
fn iterator_that_fails_or_panics_is_the_nodes_failure() {
    let pushed = Arc::new(Mutex::new(Vec::new()));
    let seen = pushed.clone();
    let fail = move || {
        let seen = seen.clone();
        (0..5_u64).map(move |number| {
            seen.lock().unwrap().push(number);
            match number {
                2 => Err("not three"),
                number => Ok(vec![number]),
            }
        })
    };
    let panic = || std::iter::from_fn(|| -> Option<Vec<u64>> { panic!("not one") });
    let pipeline = Pipeline::new([
        node(fail).reads(()).yields_from(EVEN).named("fail"),
        node(panic).reads(()).yields_from(ODD).named("panic"),
    ])
    .unwrap();
    with_each_runner(|runner| {
        pushed.lock().unwrap().clear();
        let options = RunOptions::new().keep_going();
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        let [first, second] = error.failures().collect::<Vec<_>>()[..] else { panic!("{error}") };
        assert!(first.is_error() && first.to_string().ends_with("failed: not three"));
        assert!(second.is_panic() && second.to_string().ends_with("not one"));
        assert_eq!(*pushed.lock().unwrap(), [0, 1, 2]);
        assert_eq!(error.report().unwrap().output_names().count(), 0);
    });
}

/// A value of one's own, of which a chunk may be no good.
#[derive(Debug, PartialEq)]
struct Odd(Vec<u64>);

impl Collect for Odd {
    fn empty() -> Self {
        Self(Vec::new())
    }

    fn add(&mut self, chunk: Self) -> Result<(), BoxError> {
        assert!(!chunk.0.contains(&0), "zero is neither");
        if chunk.0.iter().any(|number| number % 2 == 0) {
            return Err(format!("{chunk:?} are not odd").into());
        }
        self.0.extend(chunk.0);
        Ok(())
    }
}

fn own() -> Data<Odd> {
    Data::memory("own")
}

#[test]
fn type_of_ones_own_says_how_it_is_collected_and_what_cannot_be() {
    type Make = fn() -> Vec<Odd>;
    let cases: [(Make, Result<Odd, &str>); 3] = [
        (|| vec![Odd(vec![1]), Odd(vec![3, 5])], Ok(Odd(vec![1, 3, 5]))),
        (
            || vec![Odd(vec![1]), Odd(vec![2])],
            Err("node `make` failed: saving dataset `own`: Odd([2]) are not odd"),
        ),
        (|| vec![Odd(vec![1]), Odd(vec![0])], Err("zero is neither")),
    ];
    for (numbers, expected) in cases {
        let make = node(numbers).reads(()).yields_from(own()).named("make");
        let pipeline = Pipeline::new([make]).unwrap();
        with_each_runner(|runner| {
            let run = runner.run(&pipeline, &Catalog::empty(), RunOptions::new());
            match (run, &expected) {
                (Ok(mut report), Ok(expected)) => {
                    assert_eq!(report.take_output(&own()).as_ref(), Some(expected));
                }
                (Err(error), Err(expected)) => {
                    let told = told(error);
                    assert!(told.ends_with(expected), "{told}");
                }
                (run, _) => panic!("{run:?}"),
            }
        });
    }
}

#[test]
fn chunk_that_was_not_added_is_a_failed_save_whatever_the_function_does_then() {
    type Push = fn(&mut Chunks<Odd>);
    let cases: [(Push, &str); 2] = [
        (
            |out| {
                let push = std::panic::AssertUnwindSafe(|| out.push(Odd(vec![0])));
                assert!(std::panic::catch_unwind(push).is_err());
            },
            "saving dataset `own`: adding a chunk panicked",
        ),
        (
            |out| {
                let error = out.push(Odd(vec![2])).unwrap_err();
                assert_eq!(error.to_string(), "saving dataset `own`: Odd([2]) are not odd");
            },
            "saving dataset `own`: Odd([2]) are not odd",
        ),
    ];
    for (push, expected) in cases {
        let hushed = move |out: &mut Chunks<Odd>| {
            out.push(Odd(vec![1])).unwrap();
            push(out);
            let error = out.push(Odd(vec![3])).unwrap_err();
            assert_eq!(error.to_string(), "saving dataset `own`: it takes no more chunks");
        };
        let hushed = node(hushed).reads(()).yields(own()).named("hushed");
        let pipeline = Pipeline::new([hushed]).unwrap();
        with_each_runner(|runner| {
            let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
            let failure = error.failures().next().unwrap();
            assert!(failure.is_save() && failure.to_string().ends_with(expected), "{failure}");
            assert_eq!(error.report().unwrap().output_names().count(), 0);
        });
    }
}

#[test]
fn maps_and_sets_are_collected_with_the_last_of_two_values() {
    let map = || Data::<BTreeMap<u8, &'static str>>::memory("map");
    let set = || Data::<HashSet<u8>>::memory("set");
    let make = || {
        let first = (BTreeMap::from([(1, "a"), (2, "b")]), HashSet::from([1, 2]));
        [first, (BTreeMap::from([(2, "c")]), HashSet::from([2, 3]))]
    };
    let pipeline =
        Pipeline::new([node(make).reads(()).yields_from((map(), set())).named("make")]).unwrap();
    let mut report =
        SequentialRunner::new().run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
    assert_eq!(report.take_output(&map()).unwrap(), BTreeMap::from([(1, "a"), (2, "c")]));
    assert_eq!(report.take_output(&set()).unwrap(), HashSet::from([1, 2, 3]));
}
