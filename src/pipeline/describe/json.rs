//! For a program.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use super::super::graph::{DatasetIndex, Pipeline};
use super::super::names::{base, is_form};
use super::super::nodes::NodeView;

/// Changes when the meaning of a key does.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Whole<N, D> {
    schema: u32,
    nodes: N,
    datasets: D,
}

#[derive(Serialize)]
struct Node<'a, T, I, O> {
    name: &'a str,
    namespace: Option<&'a str>,
    function: &'a str,
    tags: T,
    group: u32,
    inputs: I,
    outputs: O,
}

#[derive(Serialize)]
struct Dataset<'a, C> {
    name: &'a str,
    r#type: &'a str,
    family: Option<Shown<crate::catalog::Family>>,
    form_of: Option<&'a str>,
    producer: Option<&'a str>,
    consumers: C,
}

/// A list that is made as it is written.
struct Listed<F>(F);

impl<F, I> Serialize for Listed<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

pub(super) fn json(pipeline: &Pipeline) -> String {
    let whole = Whole {
        schema: SCHEMA,
        nodes: Listed(|| nodes(pipeline)),
        datasets: Listed(|| datasets(pipeline)),
    };
    serde_json::to_string_pretty(&whole).expect("names, numbers and lists of them are JSON")
}

fn nodes(pipeline: &Pipeline) -> impl Iterator<Item: Serialize> {
    pipeline.nodes().zip(pipeline.group_places()).map(|(node, group)| one_node(node, group))
}

fn one_node(node: NodeView<'_>, group: u32) -> impl Serialize {
    Node {
        name: node.name(),
        namespace: node.namespace(),
        function: node.function(),
        tags: Listed(move || node.tags()),
        group: group + 1,
        inputs: Listed(move || node.inputs()),
        outputs: Listed(move || node.outputs()),
    }
}

fn datasets(pipeline: &Pipeline) -> impl Iterator<Item: Serialize> {
    pipeline.dataset_indices().map(|at| dataset(pipeline, at))
}

fn dataset(pipeline: &Pipeline, at: DatasetIndex) -> impl Serialize {
    let known = pipeline.slot(at);
    let name_of = |node: u32| pipeline.name_of(node);
    Dataset {
        name: known.name,
        r#type: known.type_name,
        family: known.family().map(Shown),
        form_of: is_form(known.name).then(|| base(known.name)),
        producer: pipeline.producer(at).map(name_of),
        consumers: Listed(move || {
            pipeline.consumers(at).iter().map(move |node| pipeline.name_of(*node))
        }),
    }
}

/// The same on one line, and in pieces: of a large pipeline there is never the whole
/// text in memory.
#[cfg(feature = "telemetry")]
mod streamed {
    use std::io::{self, Write};

    use serde::Serialize;

    use super::{Pipeline, SCHEMA, datasets, nodes};

    /// How much is collected before it is written.
    const PIECE: usize = 64 * 1024;

    impl Pipeline {
        /// What [`to_json`](Self::to_json) says, on one line, to `out`.
        pub(crate) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
            let mut piece = format!("{{\"schema\":{SCHEMA},\"nodes\":[").into_bytes();
            list(&mut piece, nodes(self), out)?;
            piece.extend_from_slice(b"],\"datasets\":[");
            list(&mut piece, datasets(self), out)?;
            piece.extend_from_slice(b"]}\n");
            out.write_all(&piece)
        }
    }

    fn list(
        piece: &mut Vec<u8>,
        items: impl Iterator<Item: Serialize>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for (at, item) in items.enumerate() {
            if at > 0 {
                piece.push(b',');
            }
            serde_json::to_writer(&mut *piece, &item)?;
            if piece.len() > PIECE {
                out.write_all(piece)?;
                piece.clear();
            }
        }
        Ok(())
    }
}
