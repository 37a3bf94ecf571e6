//! What is wrong with a record, as far as anybody wants to read.

/// How many problems of lines are told one by one.
const MOST: usize = 20;

#[derive(Default)]
pub(super) struct Problems {
    told: Vec<String>,
    of_lines: usize,
    more_of_lines: u64,
}

impl Problems {
    pub(super) fn say(&mut self, problem: String) {
        self.told.push(problem);
    }

    /// Says what is wrong with a line; of very many, how many more there are.
    pub(super) fn say_of_line(&mut self, line: u64, problem: impl FnOnce() -> String) {
        if self.of_lines == MOST {
            self.more_of_lines += 1;
            return;
        }
        self.of_lines += 1;
        self.told.push(format!("{} line {line}: {}", super::EVENTS, problem()));
    }

    pub(super) fn all(mut self) -> Vec<String> {
        match self.more_of_lines {
            0 => {}
            1 => self.told.push("and one more line".to_owned()),
            more => self.told.push(format!("and {more} more lines")),
        }
        self.told
    }
}
