//! The lines that a bench ends with.

/// The figures so far, printed together at the end.
#[derive(Default)]
pub(crate) struct Figures {
    lines: Vec<String>,
}

impl Figures {
    /// Notes one figure and, where there is one, its goal.
    pub(crate) fn add(&mut self, name: &str, value: f64, unit: &str, goal: impl Into<Option<f64>>) {
        let goal = goal.into().map_or_else(String::new, |goal| format!(" goal <= {goal}"));
        eprintln!("  {name}: {value:.3} {unit}{goal}");
        self.lines.push(format!("figure {name} {value:.3} {unit}{goal}"));
    }

    /// Prints every figure, one a line, last of all.
    pub(crate) fn print(self) {
        for line in self.lines {
            println!("{line}");
        }
    }
}
