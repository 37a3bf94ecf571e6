//! A pipeline as a person, a program or a drawing tool wants it.

mod dot;
mod json;
mod mermaid;
mod text;

use super::graph::{DatasetIndex, NodeIndex, Pipeline};

impl Pipeline {
    /// The pipeline as text: what it reads, its nodes in running order, each with
    /// the number of its [group](Self::groups), what it reads and writes and its
    /// tags, and what comes out.
    ///
    /// ```
    /// use entourage::{Pipeline, node};
    ///
    /// let pipeline = Pipeline::new([
    ///     node(|raw: &u32| raw + 1).reads_named("raw").writes_named("rows").named("clean"),
    ///     node(|rows: &u32| rows + 1).reads_named("rows").writes_named("sum").named("add").tag("slow"),
    /// ])?;
    /// assert_eq!(pipeline.describe(), "\
    /// 2 nodes
    /// inputs: raw
    ///   1  clean  raw → rows
    ///   2  add    rows → sum  [slow]
    /// outputs: sum
    /// ");
    /// # Ok::<(), entourage::PipelineError>(())
    /// ```
    pub fn describe(&self) -> String {
        text::text(self)
    }

    /// The pipeline as JSON, in an order that hangs on its nodes alone:
    ///
    /// ```json
    /// {
    ///   "schema": 1,
    ///   "nodes": [{
    ///     "name": "ns.clean", "namespace": "ns", "function": "program::clean",
    ///     "tags": ["slow"], "group": 1, "inputs": ["raw"], "outputs": ["rows"]
    ///   }],
    ///   "datasets": [{
    ///     "name": "raw", "type": "[program::Row]", "family": "records", "form_of": null,
    ///     "producer": null, "consumers": ["ns.clean"]
    ///   }]
    /// }
    /// ```
    ///
    /// Nodes are in running order, datasets in the order in which the nodes name
    /// them. `namespace` is null outside of any, `family` where the dataset is
    /// named by string only, `form_of` where the name has no form; `data@csv` is a
    /// form of `data`. A `producer` may write another form of the dataset. `schema`
    /// changes when the meaning of a key does; keys may be added without.
    /// `function` and `type` are as the compiler tells them.
    pub fn to_json(&self) -> String {
        json::json(self)
    }

    /// The pipeline as a flowchart for [Mermaid](https://mermaid.js.org), which
    /// Markdown viewers draw. By its default, Mermaid draws no more than 500 edges;
    /// [`to_dot`](Self::to_dot) has no such limit.
    pub fn to_mermaid(&self) -> String {
        mermaid::mermaid(self)
    }

    /// The pipeline as a graph for [Graphviz](https://graphviz.org).
    pub fn to_dot(&self) -> String {
        dot::dot(self)
    }

    /// The edges of a drawing, each once: from datasets to the nodes that read
    /// them, from nodes to what they write, and between forms of one dataset, of
    /// which one is written.
    fn edges(&self) -> impl Iterator<Item = (Drawn, Drawn)> {
        let of_nodes = self.node_indices().flat_map(move |at| {
            let read = self.reads_once(at).map(move |from| (Drawn::Dataset(from), Drawn::Node(at)));
            let written =
                self.writes(at).iter().map(move |to| (Drawn::Node(at), Drawn::Dataset(*to)));
            read.chain(written)
        });
        let reread = self
            .dataset_indices()
            .filter(|at| self.producer(*at).is_some() && !self.is_written(*at));
        let of_forms = reread.filter_map(move |at| {
            let written = self.writes(self.producer(at)?).iter();
            let from = written.copied().find(|from| self.forms(from).contains(&at))?;
            Some((Drawn::Dataset(from), Drawn::Dataset(at)))
        });
        of_nodes.chain(of_forms)
    }
}

/// What a drawing shows.
#[derive(Clone, Copy)]
enum Drawn {
    Node(NodeIndex),
    Dataset(DatasetIndex),
}

/// By its number: no name can be mistaken for a word of the language.
impl std::fmt::Display for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(at) => write!(f, "n{at}"),
            Self::Dataset(at) => write!(f, "d{at}"),
        }
    }
}
