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
/// text in memory. By hand, since each run that is recorded pays for it.
#[cfg(feature = "telemetry")]
mod streamed {
    use std::io::{self, Write};

    use super::super::super::graph::{DatasetIndex, Pipeline};
    use super::super::super::json_text::push_text;
    use super::super::super::names::{base, is_form};
    use super::super::super::nodes::NodeView;
    use super::SCHEMA;

    /// How much is collected before it is written.
    const PIECE: usize = 64 * 1024;

    impl Pipeline {
        /// What [`to_json`](Self::to_json) says, on one line, to `out`.
        pub(crate) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
            let mut piece = Vec::with_capacity(PIECE + PIECE / 4);
            raw(&mut piece, "{\"schema\":");
            raw(&mut piece, &SCHEMA.to_string());
            raw(&mut piece, ",\"nodes\":[");
            let nodes = self.nodes().zip(self.group_places());
            list(&mut piece, nodes, out, |piece, (view, group)| node(piece, view, group))?;
            raw(&mut piece, "],\"datasets\":[");
            list(&mut piece, self.dataset_indices(), out, |piece, at| self.dataset(piece, at))?;
            raw(&mut piece, "]}\n");
            out.write_all(&piece)
        }

        fn dataset(&self, piece: &mut Vec<u8>, at: DatasetIndex) {
            let known = self.slot(at);
            raw(piece, "{\"name\":");
            push_text(piece, known.name);
            raw(piece, ",\"type\":");
            push_text(piece, known.type_name);
            raw(piece, ",\"family\":");
            match known.family() {
                Some(family) => push_text(piece, &family.to_string()),
                None => raw(piece, "null"),
            }
            raw(piece, ",\"form_of\":");
            text_or_null(piece, is_form(known.name).then(|| base(known.name)));
            raw(piece, ",\"producer\":");
            text_or_null(piece, self.producer(at).map(|node| self.name_of(node)));
            raw(piece, ",\"consumers\":");
            texts(piece, self.consumers(at).iter().map(|node| self.name_of(*node)));
            raw(piece, "}");
        }
    }

    fn node(piece: &mut Vec<u8>, node: NodeView<'_>, group: u32) {
        raw(piece, "{\"name\":");
        push_text(piece, node.name());
        raw(piece, ",\"namespace\":");
        text_or_null(piece, node.namespace());
        raw(piece, ",\"function\":");
        push_text(piece, node.function());
        raw(piece, ",\"tags\":");
        texts(piece, node.tags());
        raw(piece, ",\"group\":");
        raw(piece, &(group + 1).to_string());
        raw(piece, ",\"inputs\":");
        texts(piece, node.inputs());
        raw(piece, ",\"outputs\":");
        texts(piece, node.outputs());
        raw(piece, "}");
    }

    fn raw(piece: &mut Vec<u8>, json: &str) {
        piece.extend_from_slice(json.as_bytes());
    }

    fn text_or_null(piece: &mut Vec<u8>, text: Option<&str>) {
        match text {
            Some(text) => push_text(piece, text),
            None => raw(piece, "null"),
        }
    }

    fn texts<'a>(piece: &mut Vec<u8>, texts: impl Iterator<Item = &'a str>) {
        raw(piece, "[");
        for (at, text) in texts.enumerate() {
            if at > 0 {
                raw(piece, ",");
            }
            push_text(piece, text);
        }
        raw(piece, "]");
    }

    fn list<T>(
        piece: &mut Vec<u8>,
        items: impl Iterator<Item = T>,
        out: &mut dyn Write,
        one: impl Fn(&mut Vec<u8>, T),
    ) -> io::Result<()> {
        for (at, item) in items.enumerate() {
            if at > 0 {
                piece.push(b',');
            }
            one(piece, item);
            if piece.len() > PIECE {
                out.write_all(piece)?;
                piece.clear();
            }
        }
        Ok(())
    }

    #[cfg(test)]
    mod tests {
        use super::super::super::super::{Namespace, Pipeline, node};
        use crate::catalog::Data;

        #[test]
        fn the_quick_way_says_what_the_readable_one_does() {
            const RAW: Data<[u64]> = Data::records("raw@csv");
            const SUM: Data<u64> = Data::value("sum");
            let add = node(|raw: &[u64]| raw.iter().sum::<u64>()).reads(RAW).writes(SUM);
            let look = node(|_: &u64| ()).reads_named("sum").writes(()).named("look");
            let nodes = [add.named("add").tag("a").tag("b"), look];
            let pipeline = Pipeline::new(nodes).unwrap().namespace(Namespace::new("ns")).unwrap();
            let mut quick = Vec::new();
            pipeline.write_json(&mut quick).unwrap();
            let [quick, readable] = [&quick[..], pipeline.to_json().as_bytes()]
                .map(|json| serde_json::from_slice::<serde_json::Value>(json).unwrap());
            assert_eq!(quick, readable);
        }
    }
}
