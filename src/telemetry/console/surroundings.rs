//! What it is that a console writes to.

use std::ffi::OsString;

use console::Term;

use super::palette::Palette;

/// Columns where nobody says how many there are.
const COLUMNS: u16 = 120;
const ROWS: u16 = 24;

/// What a console writes to, as far as it matters.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    /// Whether it is drawn on, or gets one line after the other.
    pub(super) is_drawn: bool,
    pub(super) has_colours: bool,
    /// What the caller says of the size.
    pub(super) columns: Option<u16>,
    pub(super) rows: Option<u16>,
    /// The terminal to ask for its size.
    term: Option<Term>,
}

/// The size and the look of a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) is_drawn: bool,
    pub(super) columns: u16,
    pub(super) rows: u16,
    pub(super) palette: Palette,
}

impl Surroundings {
    /// Those of a writer of which nothing is known.
    pub(super) fn of_writer() -> Self {
        Self { is_drawn: false, has_colours: false, columns: None, rows: None, term: None }
    }

    /// Those of standard error.
    pub(super) fn of_stderr() -> Self {
        let term = Term::stderr();
        // On Windows to ask is to switch on.
        let is_terminal = term.is_term() && (!cfg!(windows) || term.features().colors_supported());
        Self::of(is_terminal, Some(term), |name| std::env::var_os(name))
    }

    /// Those of a terminal or something else, in an environment.
    pub(super) fn of(
        is_terminal: bool,
        term: Option<Term>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        let is_dumb = match variable("TERM") {
            Some(term) => term == "dumb" || term.is_empty(),
            None => cfg!(unix),
        };
        let is_terminal = is_terminal && !is_dumb;
        let has_colours = match (given("NO_COLOR"), given("CLICOLOR_FORCE"), given("CLICOLOR")) {
            (Some(_), ..) => false,
            (None, Some(force), _) if force != "0" => true,
            (.., Some(colours)) if colours == "0" => false,
            _ => is_terminal,
        };
        // A job's log is kept and read as a file, even if a terminal wrote it.
        let is_job = given("CI").is_some_and(|value| value != "false" && value != "0");
        let columns = given("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
        Self {
            is_drawn: is_terminal && !is_job,
            has_colours,
            columns: if is_terminal { None } else { columns },
            rows: None,
            term: term.filter(|_| is_terminal),
        }
    }

    pub(super) fn palette(&self) -> Palette {
        Palette { is_on: self.has_colours }
    }

    /// What they are now: a terminal may have been made larger or smaller.
    pub(super) fn shape(&self) -> Shape {
        let asked = match &self.term {
            Some(term) if self.columns.is_none() || self.rows.is_none() => term.size_checked(),
            _ => None,
        };
        let (rows, columns) = asked.unzip();
        let known = |said: Option<u16>, asked: Option<u16>, default| {
            said.or(asked).filter(|size| *size > 0).unwrap_or(default)
        };
        Shape {
            is_drawn: self.is_drawn,
            columns: known(self.columns, columns, COLUMNS),
            rows: known(self.rows, rows, ROWS),
            palette: self.palette(),
        }
    }
}
