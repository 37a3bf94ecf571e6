//! A pipeline once more, under other names.

mod mapping;

use super::error::PipelineError;
use super::graph::Pipeline;
use mapping::Names;

/// How a pipeline is named anew, to be used beside itself: its nodes and datasets
/// get a prefix, and those that you name get a name of yours.
///
/// A dataset is named by the first rule that fits: as it is mapped here; as the
/// dataset that it is a form of is mapped (`raw@csv` with `raw` mapped to `x`
/// becomes `x@csv`); all `parameters` stay; `params:a` becomes `params:ns.a`; and
/// `a` becomes `ns.a`.
///
/// ```
/// use entourage::{Namespace, Pipeline, node};
///
/// let fit = |n: &u32, rate: &f64| f64::from(*n) * rate;
/// let train = Pipeline::new([
///     node(|raw: &u32| raw + 1).reads_named("raw").writes_named("rows").named("clean"),
///     node(fit).reads_named(("rows", "params:rate")).writes_named("model").named("fit"),
/// ])?;
/// let small = Namespace::new("small").keep_inputs(["raw"]).output("model", "small_model");
/// let small = train.namespace(small)?;
/// assert_eq!(small.node_names().collect::<Vec<_>>(), ["small.clean", "small.fit"]);
/// assert_eq!(small.inputs().collect::<Vec<_>>(), ["raw", "params:small.rate"]);
/// assert_eq!(small.outputs().collect::<Vec<_>>(), ["small_model"]);
///
/// let both = (train.namespace("large")? + small)?;
/// assert_eq!(both.len(), 4);
/// # Ok::<(), entourage::PipelineError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a namespace does nothing until a pipeline is put into it"]
pub struct Namespace {
    /// Empty where nothing gets a prefix.
    prefix: String,
    prefixes_datasets: bool,
    mappings: Vec<Mapping>,
}

#[derive(Clone, Debug)]
struct Mapping {
    kind: Kind,
    from: String,
    to: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Input,
    Output,
    Parameter,
}

impl Namespace {
    /// The namespace of this name: a word, or several with dots between them. A
    /// pipeline that is in a namespace already is then in both, this one outside.
    pub fn new(name: impl Into<String>) -> Self {
        Self { prefix: name.into(), prefixes_datasets: true, mappings: Vec::new() }
    }

    /// No namespace: only what is mapped is named anew.
    pub fn none() -> Self {
        Self { prefixes_datasets: false, ..Self::new("") }
    }

    /// Whether datasets and parameters that are not mapped get the prefix. They
    /// do unless told otherwise; nodes always do.
    pub fn prefix_datasets(self, prefixes_datasets: bool) -> Self {
        Self { prefixes_datasets, ..self }
    }

    /// Reads the input `name` as `new_name`. An input is what some node reads and
    /// none writes.
    pub fn input(self, name: impl Into<String>, new_name: impl Into<String>) -> Self {
        self.mapped(Kind::Input, name.into(), new_name.into())
    }

    /// Writes the dataset `name` as `new_name`. Any node's output can be mapped,
    /// also one that another node reads.
    pub fn output(self, name: impl Into<String>, new_name: impl Into<String>) -> Self {
        self.mapped(Kind::Output, name.into(), new_name.into())
    }

    /// Reads the parameter `name` as `new_name`, both with or without `params:`
    /// in front.
    pub fn parameter(self, name: impl Into<String>, new_name: impl Into<String>) -> Self {
        let (name, new_name) =
            (mapping::parameter(name.into()), mapping::parameter(new_name.into()));
        self.mapped(Kind::Parameter, name, new_name)
    }

    /// Leaves these inputs their names.
    pub fn keep_inputs(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.kept(Kind::Input, names.into_iter().map(Into::into))
    }

    /// Leaves these outputs their names.
    pub fn keep_outputs(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.kept(Kind::Output, names.into_iter().map(Into::into))
    }

    /// Leaves these parameters their names.
    pub fn keep_parameters(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names = names.into_iter().map(|name| mapping::parameter(name.into()));
        self.kept(Kind::Parameter, names)
    }

    fn kept(self, kind: Kind, names: impl Iterator<Item = String>) -> Self {
        names.fold(self, |kept, name| kept.mapped(kind, name.clone(), name))
    }

    fn mapped(mut self, kind: Kind, from: String, to: String) -> Self {
        self.mappings.push(Mapping { kind, from, to });
        self
    }
}

impl<S: Into<String>> From<S> for Namespace {
    fn from(name: S) -> Self {
        Self::new(name)
    }
}

impl Pipeline {
    /// The same nodes under other names: those of a namespace, or of a
    /// [`Namespace`] that says more.
    ///
    /// # Errors
    ///
    /// All names that cannot be mapped so, each with close matches: one that no
    /// node uses, a parameter or a written dataset that is given as an input, an
    /// input that is given as an output, one that is mapped twice; and two
    /// datasets that would become one without your having said so of both.
    pub fn namespace(&self, namespace: impl Into<Namespace>) -> Result<Self, PipelineError> {
        let namespace = namespace.into();
        let names = Names::new(self, &namespace)?;
        let nodes = self.node_indices().map(|at| names.renamed(at));
        Self::new(nodes).map_err(|error| error.with_doing(super::error::Doing::Namespace))
    }
}
