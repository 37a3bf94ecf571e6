//! Pipelines as sets of nodes.

use std::collections::{BTreeSet, HashMap};
use std::ops::{Add, BitAnd, BitOr, Sub};

use super::error::{Doing, PipelineError, Problem, quoted};
use super::graph::Pipeline;
use super::node::{Node, Slot};

/// Nodes are equal if they have the same name and read and write the same
/// datasets in the same order.
fn is_equal(a: &Node, b: &Node) -> bool {
    let same = |a: &[Slot], b: &[Slot]| {
        a.iter().map(|slot| &slot.name).eq(b.iter().map(|slot| &slot.name))
    };
    a.name == b.name && a.reads == b.reads && same(&a.slots, &b.slots)
}

impl Pipeline {
    /// All nodes of all pipelines, equal ones once; in time that grows with their
    /// sum. To add ten thousand pipelines one by one with `+` would build ten
    /// thousand pipelines, each larger than the one before.
    ///
    /// Nodes are equal that have the same name and read and write the same
    /// datasets in the same order. Of equal nodes the tags are put together; all
    /// else (its function's captured values, its settings) is of the first.
    ///
    /// ```
    /// use entourage::{Data, Pipeline, node};
    ///
    /// let part = |n: u32| {
    ///     let out = Data::<u32>::memory("part").named(format!("part_{n}"));
    ///     Pipeline::new([node(move || n).reads(()).writes(out).named(format!("make_{n}"))])
    /// };
    /// let parts = (0..1_000).map(part).collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(Pipeline::sum(parts)?.len(), 1_000);
    /// # Ok::<(), entourage::PipelineError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If two nodes of one name are not equal or run different functions, and for
    /// all that [`Pipeline::new`] refuses: the whole is looked at anew.
    pub fn sum<P: AsRef<Pipeline>>(
        pipelines: impl IntoIterator<Item = P>,
    ) -> Result<Self, PipelineError> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut places: HashMap<smol_str::SmolStr, usize> = HashMap::new();
        let mut problems = Vec::new();
        for pipeline in pipelines {
            for node in pipeline.as_ref().to_nodes() {
                let name = node.name.clone().unwrap_or_default();
                match places.get(&name) {
                    None => {
                        places.insert(name, nodes.len());
                        nodes.push(node);
                    }
                    Some(&first) => problems.extend(merge(&mut nodes[first], node)),
                }
            }
        }
        if !problems.is_empty() {
            return Err(PipelineError::new(Doing::Build, problems));
        }
        Self::new(nodes)
    }

    /// The nodes of both, equal ones once: `a | b`, or `a + b`. See
    /// [`sum`](Self::sum) for what is equal, and for many at once.
    ///
    /// ```
    /// # use entourage::{Pipeline, node};
    /// let add = |name: &str, from: &'static str, to: &'static str| {
    ///     Pipeline::new([node(|n: &u32| n + 1).reads_named(from).writes_named(to).named(name)])
    /// };
    /// let (a, b) = (add("a", "x", "y")?, add("b", "y", "z")?);
    /// let both = (&a | &b)?;
    /// assert_eq!(both.node_names().collect::<Vec<_>>(), ["a", "b"]);
    /// assert_eq!((&both - &a)?.node_names().collect::<Vec<_>>(), ["b"]);
    /// assert_eq!((&both & &a)?.node_names().collect::<Vec<_>>(), ["a"]);
    /// # Ok::<(), entourage::PipelineError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`sum`](Self::sum).
    pub fn union(&self, other: &Self) -> Result<Self, PipelineError> {
        Self::sum([self, other])
    }

    /// The nodes of this pipeline that are not in the other: `a - b`.
    ///
    /// # Errors
    ///
    /// None that is known: a part of a sound pipeline is sound. It is looked at
    /// anew all the same.
    pub fn difference(&self, other: &Self) -> Result<Self, PipelineError> {
        self.kept(other, false)
    }

    /// The nodes that are in both pipelines, as they are in this one: `a & b`.
    ///
    /// # Errors
    ///
    /// As [`difference`](Self::difference).
    pub fn intersection(&self, other: &Self) -> Result<Self, PipelineError> {
        self.kept(other, true)
    }

    /// The nodes of which it `is_in` the other pipeline that they are in it.
    fn kept(&self, other: &Self, is_in: bool) -> Result<Self, PipelineError> {
        let others = other.node_indices();
        let places: HashMap<&str, u32> = others.map(|at| (other.name_of(at), at)).collect();
        let is_kept = |node: &Node| {
            let place = places.get(node.name.as_deref().unwrap_or_default());
            place.is_some_and(|at| is_equal(node, &other.node(*at))) == is_in
        };
        Self::new(self.to_nodes().filter(is_kept))
    }
}

/// Adds a node to the first one of its name, if they are equal.
fn merge(first: &mut Node, second: Node) -> Option<Problem> {
    let differs = |what: String| {
        let node = first.name.clone().unwrap_or_default().to_string();
        Some(Problem::Differs { node, what })
    };
    if !is_equal(first, &second) {
        let names = |slots: &[Slot]| match slots {
            [] => "nothing".to_owned(),
            slots => quoted(slots.iter().map(|slot| &slot.name)),
        };
        let (reads, writes) = first.reads_and_writes();
        let (other_reads, other_writes) = second.reads_and_writes();
        return differs(format!(
            "one reads {} and writes {}, the other reads {} and writes {}",
            names(reads),
            names(writes),
            names(other_reads),
            names(other_writes)
        ));
    }
    if first.body.identity() != second.body.identity() {
        return differs(match first.function == second.function {
            true => format!("they are two closures of `{}`", first.function),
            false => format!(
                "the function of one is `{}`, of the other `{}`",
                first.function, second.function
            ),
        });
    }
    let new: BTreeSet<_> = match &second.extras {
        Some(extras) => extras.tags.clone(),
        None => return None,
    };
    let known = first.extras.as_ref().map(|extras| &extras.tags);
    if known.is_none_or(|known| !new.is_subset(known)) {
        first.extras_mut().tags.extend(new);
    }
    None
}

impl AsRef<Pipeline> for Pipeline {
    fn as_ref(&self) -> &Pipeline {
        self
    }
}

macro_rules! operators {
    ($($trait:ident $name:ident $method:ident $symbol:literal)*) => {$(
        operators!(@ $trait $name $method $symbol: Pipeline, Pipeline);
        operators!(@ $trait $name $method $symbol: Pipeline, &Pipeline);
        operators!(@ $trait $name $method $symbol: &Pipeline, Pipeline);
        operators!(@ $trait $name $method $symbol: &Pipeline, &Pipeline);
    )*};
    (@ $trait:ident $name:ident $method:ident $symbol:literal: $left:ty, $right:ty) => {
        #[doc = concat!("`a ", $symbol, " b`: [`Pipeline::", stringify!($method), "`].")]
        impl $trait<$right> for $left {
            type Output = Result<Pipeline, PipelineError>;
            fn $name(self, other: $right) -> Self::Output {
                Pipeline::$method(self.as_ref(), other.as_ref())
            }
        }
    };
}

operators! {
    Add add union "+"
    BitOr bitor union "|"
    Sub sub difference "-"
    BitAnd bitand intersection "&"
}
