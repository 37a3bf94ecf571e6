//! What became of the requests, and what is wrong with that.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use crate::client::{Client, Kind};
use crate::log::{self, Filed};
use crate::order;

/// A client, and the end of what it was answered.
pub(crate) type Answer = (Client, Result<String, Box<dyn Error + Send + Sync>>);

pub(crate) struct Story {
    rows: BTreeMap<Kind, Row>,
    /// Of which there must be none.
    pub(crate) problems: Vec<String>,
}

/// The requests of one kind.
#[derive(Clone, Copy, Default)]
struct Row {
    requests: u64,
    /// Events, as the nodes counted them.
    said: u64,
    filed: Filed,
}

impl Story {
    /// By the answers, and by the log in the folder of each run.
    pub(crate) fn of(answers: &[Answer], runs: &Path) -> Self {
        let mut story = Self { rows: BTreeMap::new(), problems: Vec::new() };
        for (client, answer) in answers {
            let (number, expected) = (client.number, client.expected());
            if !answer.as_ref().is_ok_and(|line| line.starts_with(&expected)) {
                story.problem(format!("client {number} expected `{expected}`, found {answer:?}"));
            }
            let said = order::SAID.lock().unwrap().get(&number).copied().unwrap_or_default();
            let filed = log::read(runs, client).unwrap_or_else(|error| {
                story.problem(format!("the log of client {number}: {error}"));
                Filed::default()
            });
            if filed.wrong > 0 || filed.events != said {
                let Filed { events, wrong } = filed;
                let found = format!("{events} filed, {wrong} of them wrongly");
                story.problem(format!("client {number} has {said} events: {found}"));
            }
            story.rows.entry(client.kind.clone()).or_default().add(said, filed);
        }
        story
    }

    fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
        table.set_header(["a client that", "requests", "events", "filed", "wrong", "missing"]);
        for (kind, Row { requests, said, filed: Filed { events, wrong } }) in &self.rows {
            let numbers = [*requests, *said, *events, *wrong, said.saturating_sub(*events)];
            let numbers = numbers.map(|number| number.to_string());
            table.add_row([kind.to_string()].into_iter().chain(numbers));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

impl Row {
    fn add(&mut self, said: u64, Filed { events, wrong }: Filed) {
        self.requests += 1;
        self.said += said;
        self.filed.events += events;
        self.filed.wrong += wrong;
    }
}
