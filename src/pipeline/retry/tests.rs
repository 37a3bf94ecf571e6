use std::io;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn pauses(retry: &Retry, random: f64) -> Vec<f64> {
    let pause = |attempt| retry.pause(attempt, Duration::ZERO, random);
    (1..).map_while(pause).map(|pause| pause.as_secs_f64()).collect()
}

#[test]
fn pauses_grow_by_the_factor_up_to_the_longest() {
    let retry = Retry::new(6).backoff(SECOND, 2.0).max_delay(5 * SECOND);
    assert_eq!(pauses(&retry, 0.0), [1.0, 2.0, 4.0, 5.0, 5.0]);
    assert_eq!(pauses(&retry, 1.0), [0.5, 1.0, 2.0, 2.5, 2.5]);
    assert_eq!(pauses(&retry.clone().jitter(0.0), 1.0), [1.0, 2.0, 4.0, 5.0, 5.0]);
    assert_eq!(pauses(&retry.jitter(1.0), 1.0), [0.0; 5]);
}

#[test]
fn without_a_backoff_there_is_no_pause() {
    assert_eq!(pauses(&Retry::new(3), 0.5), [0.0, 0.0]);
    assert_eq!(pauses(&Retry::new(1), 0.5), [0.0; 0]);
    assert!(!Retry::new(3).may_pause() && Retry::new(3).is_some() && !Retry::new(1).is_some());
}

#[test]
fn attempt_that_would_begin_after_the_deadline_is_not_made() {
    let retry = Retry::new(9).backoff(SECOND, 1.0).jitter(0.0).deadline(3 * SECOND);
    assert_eq!(retry.pause(1, 2 * SECOND, 0.0), Some(SECOND));
    assert_eq!(retry.pause(1, 2 * SECOND + Duration::from_nanos(1), 0.0), None);
}

#[test]
fn what_is_tried_again_is_what_was_asked_for() {
    let other = io::Error::from(io::ErrorKind::NotFound);
    let busy = io::Error::from(io::ErrorKind::ResourceBusy);
    let retry = Retry::new(2);
    assert!(retry.wants(Failure::Error(&other)));
    assert!(!retry.wants(Failure::Panic) && !retry.wants(Failure::Timeout));
    let is_busy = |error: &(dyn Error + 'static)| {
        let error = error.downcast_ref::<io::Error>();
        error.is_some_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
    };
    let retry = retry.when(is_busy).after_panic().after_timeout();
    assert!(retry.wants(Failure::Error(&busy)) && !retry.wants(Failure::Error(&other)));
    assert!(retry.wants(Failure::Panic) && retry.wants(Failure::Timeout));
}

#[test]
fn everything_that_makes_no_sense_is_said() {
    let retry = Retry::new(0).backoff(SECOND, f64::NAN).jitter(1.5).deadline(Duration::ZERO);
    let expected = [
        "0 attempts, at least 1 is needed",
        "a backoff factor of NaN, it must be at least 1",
        "a jitter of 1.5, it must be from 0 to 1",
        "a deadline of 0 s, no retry could ever begin",
    ];
    assert_eq!(retry.problems(), expected);
    for factor in [f64::INFINITY, -1.0, 0.5] {
        assert_eq!(Retry::new(1).backoff(SECOND, factor).problems().len(), 1, "{factor}");
    }
    assert!(Retry::new(1).problems().is_empty());
}

proptest! {
    /// However long and steep: a pause is what was asked for, and no panic.
    #[test]
    fn pause_is_within_its_bounds(
        first in any::<Duration>(),
        factor in 1.0..1e300_f64,
        jitter in 0.0..=1.0_f64,
        attempt in 1..u32::MAX,
        random in 0.0..1.0_f64,
        max_delay in proptest::option::of(any::<Duration>()),
    ) {
        let max_delay = max_delay.unwrap_or(Duration::MAX);
        let retry = Retry::new(u32::MAX).backoff(first, factor).jitter(jitter).max_delay(max_delay);
        let pause = retry.pause(attempt, Duration::MAX, random).unwrap();
        // To within what a float of seconds can tell.
        let most = max_delay.as_secs_f64() * (1.0 + 1e-9) + 1e-9;
        prop_assert!(pause.as_secs_f64() <= most);
        let least = first.min(max_delay).as_secs_f64() * (1.0 - jitter) * (1.0 - 1e-9) - 1e-9;
        prop_assert!(pause.as_secs_f64() >= least);
    }
}
