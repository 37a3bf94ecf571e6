//! What a console makes of where it is.

use std::ffi::OsString;

use super::super::surroundings::Surroundings;

/// Whether it is drawn, and whether there are colours.
fn found(is_terminal: bool, variables: &[(&str, &str)]) -> (bool, bool) {
    let found = surroundings(is_terminal, variables);
    (found.is_drawn, found.has_colours)
}

fn surroundings(is_terminal: bool, variables: &[(&str, &str)]) -> Surroundings {
    Surroundings::of(is_terminal, None, |name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

const TERM: (&str, &str) = ("TERM", "xterm-256color");

#[test]
fn a_terminal_is_drawn_on_and_has_colours_and_a_file_is_not_and_has_none() {
    assert_eq!(found(true, &[TERM]), (true, true));
    assert_eq!(found(false, &[TERM]), (false, false));
    assert_eq!(found(true, &[("TERM", "dumb")]), (false, false));
}

#[test]
fn the_usual_variables_are_heard() {
    assert_eq!(found(true, &[TERM, ("NO_COLOR", "1")]), (true, false));
    assert_eq!(found(true, &[TERM, ("NO_COLOR", "")]), (true, true));
    assert_eq!(found(true, &[TERM, ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), (true, false));
    assert_eq!(found(true, &[TERM, ("CLICOLOR", "0")]), (true, false));
    assert_eq!(found(false, &[TERM, ("CLICOLOR_FORCE", "1")]), (false, true));
    assert_eq!(found(false, &[TERM, ("CLICOLOR_FORCE", "0")]), (false, false));
    assert_eq!(found(true, &[TERM, ("CI", "true")]), (false, true));
    assert_eq!(found(true, &[TERM, ("CI", "false")]), (true, true));
}

#[test]
fn the_width_is_the_terminals_or_what_was_said() {
    assert_eq!(surroundings(false, &[]).shape().columns, 120);
    assert_eq!(surroundings(false, &[("COLUMNS", "66")]).shape().columns, 66);
    assert_eq!(surroundings(false, &[("COLUMNS", "no")]).shape().columns, 120);
    let mut said = surroundings(true, &[TERM]);
    said.columns = Some(0);
    assert_eq!(said.shape().columns, 120);
}
