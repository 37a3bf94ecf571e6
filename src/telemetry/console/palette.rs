//! Colours, which only underline what words say.

use console::Style;

use crate::telemetry::record::NodeState;

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub(super) is_on: bool,
}

impl Palette {
    /// In the colour of what became of a node.
    pub(super) fn state(self, state: NodeState, text: &str) -> String {
        let style = Style::new();
        self.paint(
            text,
            match state {
                NodeState::Done => style.green(),
                NodeState::UpToDate | NodeState::Running => style.cyan(),
                NodeState::Failed => style.red(),
                NodeState::Retrying | NodeState::Skipped | NodeState::Cancelled => style.yellow(),
                NodeState::NeverStarted => style.dim(),
            },
        )
    }

    /// For what is only there to tell apart.
    pub(super) fn dim(self, text: &str) -> String {
        self.paint(text, Style::new().dim())
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint(text, Style::new().bold())
    }

    /// In the colour of how grave it is.
    pub(super) fn level(self, level: tracing::Level, text: &str) -> String {
        let style = Style::new();
        self.paint(
            text,
            match level {
                tracing::Level::ERROR => style.red(),
                tracing::Level::WARN => style.yellow(),
                tracing::Level::INFO => style.green(),
                _ => style.dim(),
            },
        )
    }

    fn paint(self, text: &str, style: Style) -> String {
        if self.is_on { style.force_styling(true).apply_to(text).to_string() } else { text.into() }
    }
}
