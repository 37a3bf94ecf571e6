//! Nodes, and how they are written down.

use std::any::TypeId;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::argument::Supply;
use super::body::{Call, NodeBody, Returning, Yielding};
use super::chunks::Collector;
use super::function::{Fallible, IntoOutput, NodeFunction, Plain};
use super::names::is_word;
use super::wiring::{NamedReads, NamedWrites, Reads, Writes};
use super::yields::{NamedYields, Yields};
use crate::catalog::{Codec, Family, PARAMETER_PREFIX, Value, is_parameter};

/// One input or output of a node.
#[derive(Clone)]
pub struct Slot {
    pub(crate) name: Arc<str>,
    /// Of the owned type.
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    /// `None` where the dataset was given as a plain string.
    pub(crate) codec: Option<&'static dyn Codec>,
}

impl Slot {
    /// The family of formats, where the slot says one.
    pub(super) fn family(&self) -> Option<Family> {
        self.codec.map(Codec::family)
    }

    pub(crate) fn is_parameter(&self) -> bool {
        is_parameter(&self.name)
    }

    /// The name, without what marks a parameter.
    pub(crate) fn bare_name(&self) -> &str {
        self.name.strip_prefix(PARAMETER_PREFIX).unwrap_or(&self.name)
    }
}

/// A function with the names of what it reads and writes; made by [`node`].
#[derive(Clone)]
pub struct Node {
    /// `None` until a name is given where the function has none.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) has_own_name: bool,
    pub(crate) function: &'static str,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) inputs: Vec<Slot>,
    pub(crate) outputs: Vec<Slot>,
    pub(crate) body: Arc<dyn NodeBody>,
}

/// Begins a node of a plain Rust function, fallible or not.
///
/// Its name is the function's own, unless [`named`](Node::named).
///
/// ```
/// use entourage::{Data, Pipeline, node};
///
/// const WORDS: Data<[String]> = Data::memory("words");
/// const LONGEST: Data<str> = Data::text("longest");
///
/// fn longest(words: &[String]) -> Result<String, std::fmt::Error> {
///     words.iter().max_by_key(|word| word.len()).cloned().ok_or(std::fmt::Error)
/// }
///
/// let pipeline = Pipeline::new([node(longest).reads(WORDS).writes(LONGEST).tag("report")])?;
/// assert_eq!(pipeline.node_names().collect::<Vec<_>>(), ["longest"]);
/// # Ok::<(), entourage::PipelineError>(())
/// ```
///
/// A wrong wiring does not compile:
///
/// ```compile_fail
/// # use entourage::{Data, node};
/// const WORDS: Data<[String]> = Data::memory("words");
/// const COUNT: Data<usize> = Data::memory("count");
/// let _ = node(|words: &[String]| words.len()).reads(COUNT).writes(COUNT);
/// ```
pub fn node<F>(function: F) -> NodeBuilder<F, ()> {
    NodeBuilder { function, inputs: Vec::new(), _args: PhantomData }
}

/// A node that is being written down: what it reads, then what it writes.
#[must_use = "a node is complete once `writes` was called"]
pub struct NodeBuilder<F, Args> {
    function: F,
    inputs: Vec<Slot>,
    _args: PhantomData<fn() -> Args>,
}

impl<F> NodeBuilder<F, ()> {
    /// Says what the function's arguments are, in their order.
    pub fn reads<R: Reads>(self, data: R) -> NodeBuilder<F, R::Args> {
        NodeBuilder { function: self.function, inputs: data.slots(), _args: PhantomData }
    }

    /// As [`reads`](Self::reads), with plain string names. Whether the types fit
    /// is found out when the pipeline is built. The storage of a dataset that is
    /// named by string only is memory, unless the pipeline
    /// [declares](crate::Pipeline::declare) it.
    pub fn reads_named<Args, N: NamedReads<Args>>(self, names: N) -> NodeBuilder<F, Args> {
        NodeBuilder { function: self.function, inputs: names.slots(), _args: PhantomData }
    }
}

impl<F, Args> NodeBuilder<F, Args> {
    /// Says what the function returns, and makes the node.
    pub fn writes<W: Writes, Marker>(self, data: W) -> Node
    where
        F: NodeFunction<Args, W::Output, Marker>,
    {
        let outputs = data.slots();
        self.returning(outputs, |output, into| W::erase(output, into))
    }

    /// As [`writes`](Self::writes), with plain string names, for a function that
    /// cannot fail.
    pub fn writes_named<Output, N: NamedWrites<Output>>(self, names: N) -> Node
    where
        F: NodeFunction<Args, Output, Plain>,
    {
        let outputs = names.slots();
        self.returning(outputs, |output, into| N::erase(output, into))
    }

    /// As [`writes`](Self::writes), with plain string names, for a function that
    /// returns a `Result`.
    pub fn try_writes_named<Output, N: NamedWrites<Output>>(self, names: N) -> Node
    where
        F: NodeFunction<Args, Output, Fallible>,
    {
        let outputs = names.slots();
        self.returning(outputs, |output, into| N::erase(output, into))
    }

    /// Says what the function yields chunk by chunk, and makes the node. After
    /// what it reads, the function has a `&mut `[`Chunks`](crate::Chunks) for each,
    /// and it returns nothing, or a `Result` of that.
    pub fn yields<Y: Yields<Args>, Marker>(self, data: Y) -> Node
    where
        F: NodeFunction<Y::Args, (), Marker>,
    {
        self.yielding(data.slots(), Y::COLLECTORS)
    }

    /// As [`yields`](Self::yields), with plain string names.
    pub fn yields_named<All, N: NamedYields<Args, All>, Marker>(self, names: N) -> Node
    where
        F: NodeFunction<All, (), Marker>,
    {
        self.yielding(names.slots(), N::COLLECTORS)
    }

    /// As [`yields`](Self::yields), for a function that returns an iterator of
    /// chunks (of tuples of them, for several outputs), or of `Result`s of them.
    /// The iterator may own what it iterates over ([`Data::take`](crate::Data::take)),
    /// but not borrow it.
    ///
    /// ```
    /// use entourage::{Catalog, Data, Pipeline, RunOptions, SequentialRunner, node};
    ///
    /// const WORDS: Data<[String]> = Data::memory("words");
    /// const LINES: Data<str> = Data::text("lines");
    ///
    /// fn lines(words: Vec<String>) -> impl Iterator<Item = String> {
    ///     words.into_iter().map(|word| word + "\n")
    /// }
    ///
    /// let pipeline = Pipeline::new([node(lines).reads(WORDS.take()).yields_from(LINES)])?;
    /// let catalog = Catalog::builder().value(&WORDS, vec!["a".into(), "b".into()]).build()?;
    /// let mut report = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new())?;
    /// assert_eq!(report.take_output(&LINES).unwrap(), "a\nb\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn yields_from<Y: Yields<Args>, Items, Marker>(self, data: Y) -> Node
    where
        F: NodeFunction<Args, Items, Plain>,
        Items: IntoIterator<Item: IntoOutput<Y::Chunk, Marker>>,
    {
        let outputs = data.slots();
        let collectors = Y::COLLECTORS;
        let call = |function: &F, call: Call<'_>| {
            let mut items = function.call(&mut Supply::new(call.inputs, &[]))?.into_iter();
            let push = || {
                items.by_ref().try_for_each(|item| Ok(Y::push(item.into_output()?, call.sinks)?))
            };
            // The iterator is not dropped by its own panic: its `Drop` may panic,
            // too, and two at once abort.
            let pushed = catch_unwind(AssertUnwindSafe(push));
            drop(items);
            pushed.unwrap_or_else(|payload| resume_unwind(payload))
        };
        self.finish(outputs, |function| Arc::new(Yielding { function, call, collectors }))
    }

    fn yielding<All, Marker>(
        self,
        outputs: Vec<Slot>,
        collectors: &'static [&'static dyn Collector],
    ) -> Node
    where
        F: NodeFunction<All, (), Marker>,
    {
        let call =
            |function: &F, call: Call<'_>| function.call(&mut Supply::new(call.inputs, call.sinks));
        self.finish(outputs, |function| Arc::new(Yielding { function, call, collectors }))
    }

    fn returning<Output, Marker>(
        self,
        outputs: Vec<Slot>,
        erase: impl Fn(Output, &mut Vec<Value>) + Send + Sync + 'static,
    ) -> Node
    where
        F: NodeFunction<Args, Output, Marker>,
    {
        let call = move |function: &F, call: Call<'_>| {
            let output = function.call(&mut Supply::new(call.inputs, call.sinks))?;
            erase(output, call.outputs);
            Ok(())
        };
        self.finish(outputs, |function| Arc::new(Returning { function, call }))
    }

    fn finish(self, outputs: Vec<Slot>, body: impl FnOnce(F) -> Arc<dyn NodeBody>) -> Node {
        let Self { function, inputs, .. } = self;
        let path = std::any::type_name::<F>();
        // A closure, a generic function or a function pointer has no such name.
        let own = path.rsplit("::").next().filter(|name| is_word(name));
        Node {
            name: own.map(Arc::from),
            has_own_name: false,
            function: path,
            tags: BTreeSet::new(),
            inputs,
            outputs,
            body: body(function),
        }
    }
}

impl Node {
    /// Gives the node a name: letters, digits, `_`, `.` and `-`. Needed for a
    /// closure, and where one function makes several nodes.
    #[must_use = "returns the named node"]
    pub fn named(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), has_own_name: true, ..self }
    }

    /// Tags the node, in the same letters as a name.
    #[must_use = "returns the tagged node"]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.insert(tag.into());
        self
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |slots: &[Slot]| slots.iter().map(|slot| slot.name.clone()).collect::<Vec<_>>();
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("inputs", &names(&self.inputs))
            .field("outputs", &names(&self.outputs))
            .finish_non_exhaustive()
    }
}

impl<F, Args> fmt::Debug for NodeBuilder<F, Args> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeBuilder").finish_non_exhaustive()
    }
}
