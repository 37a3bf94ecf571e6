//! How a node failed, in words: an error does not leave its process.

use std::error::Error;

use serde::{Deserialize, Serialize};

use super::message::shortened;

/// How a node failed in its worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) enum Failure {
    /// What its error said, and the causes of that.
    Error(Vec<String>),
    Panic {
        message: String,
        place: Option<Place>,
        thread: String,
    },
    Load(Dataset),
    Save(Dataset),
    Confirm(Dataset),
    Hook(Hook),
    /// It gave up because it was called off.
    Cancelled,
    /// The worker could not even begin.
    Refused(String),
}

/// What a hook did wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Hook {
    pub(in super::super) name: String,
    pub(in super::super) method: String,
    pub(in super::super) cause: HookCause,
}

/// What a hook's error said, and the causes of that, or its panic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) enum HookCause {
    Error(Vec<String>),
    Panic { message: String, place: Option<Place>, thread: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Place {
    pub(in super::super) file: String,
    pub(in super::super) line: u32,
    pub(in super::super) column: u32,
}

/// An error of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Dataset {
    pub(in super::super) name: String,
    pub(in super::super) place: Option<String>,
    pub(in super::super) message: String,
    pub(in super::super) causes: Vec<String>,
}

/// What an error says, and what those behind it say, as far as that goes.
pub(in super::super) fn said(mut error: Option<&(dyn Error + 'static)>) -> Vec<String> {
    const MOST: usize = 16;
    let mut texts = Vec::new();
    while let Some(said) = error.filter(|_| texts.len() < MOST) {
        texts.push(shortened(said.to_string()));
        error = said.source();
    }
    texts
}
