//! Nodes, and how they are written down.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use smol_str::SmolStr;

use super::argument::Supply;
use super::body::{Call, NodeBody, Returning, Yielding};
use super::chunks::Collector;
use super::function::{Fallible, IntoOutput, NodeFunction, Plain};
use super::names::is_word;
use super::settings::NodeSettings;
use super::wiring::{NamedReads, NamedWrites, Reads, Writes};
use super::yields::{NamedYields, Yields};
use crate::catalog::{Codec, Value};

/// One input or output of a node.
#[derive(Clone)]
pub struct Slot {
    pub(super) name: SmolStr,
    /// Tells the type; and the family of formats, where it was
    /// [declared](Codec::is_declared).
    pub(super) codec: &'static dyn Codec,
}

/// A function with the names of what it reads and writes; made by [`node`].
#[derive(Clone)]
pub struct Node {
    /// The full name, with the namespace; `None` until one is given where the
    /// function has none.
    pub(super) name: Option<SmolStr>,
    pub(super) function: &'static str,
    /// What it reads, then what it writes.
    pub(super) slots: Box<[Slot]>,
    pub(super) body: Arc<dyn NodeBody>,
    /// What few nodes have.
    pub(super) extras: Option<Arc<Extras>>,
    /// How many of the slots are read.
    pub(super) reads: u32,
    /// How much of the name is the namespace.
    pub(super) namespace_len: u32,
    pub(super) has_own_name: bool,
}

/// What few nodes have: one pointer in those that have none of it.
#[derive(Clone, Default)]
pub(crate) struct Extras {
    pub(crate) tags: BTreeSet<SmolStr>,
    /// The datasets that it confirms, each once.
    pub(crate) confirms: Vec<SmolStr>,
    /// What it is told about how to run.
    pub(crate) settings: NodeSettings,
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
        let Self { function, inputs: mut slots, .. } = self;
        let path = std::any::type_name::<F>();
        // A closure, a generic function or a function pointer has no such name.
        let own = path.rsplit("::").next().filter(|name| is_word(name));
        let reads = slots.len() as u32;
        slots.extend(outputs);
        Node {
            name: own.map(SmolStr::new_static),
            function: path,
            slots: slots.into_boxed_slice(),
            body: body(function),
            extras: None,
            reads,
            namespace_len: 0,
            has_own_name: false,
        }
    }
}

impl Node {
    /// Gives the node a name: letters, digits, `_`, `.` and `-`. Needed for a
    /// closure, and where one function makes several nodes.
    #[must_use = "returns the named node"]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        let name = Some(SmolStr::new(name));
        Self { name, has_own_name: true, namespace_len: 0, ..self }
    }

    /// Tags the node, in the same letters as a name.
    #[must_use = "returns the tagged node"]
    pub fn tag(mut self, tag: impl AsRef<str>) -> Self {
        self.extras_mut().tags.insert(SmolStr::new(tag));
        self
    }

    /// Has the node confirm a dataset: when all that the node wrote is saved, the
    /// dataset's [`confirm`](crate::Dataset::confirm) is called, once.
    ///
    /// Mostly it is one that an earlier node reads, a queue say, of which the
    /// messages are acknowledged when what was made of them is safe. It has to be in
    /// the catalog, and no other node may confirm it.
    ///
    /// ```
    /// use entourage::{Data, Pipeline, node};
    ///
    /// const QUEUE: Data<[u64]> = Data::memory("queue");
    /// const SUM: Data<u64> = Data::value("sum");
    ///
    /// let sum = node(|queue: &[u64]| queue.iter().sum::<u64>()).reads(QUEUE).writes(SUM);
    /// let pipeline = Pipeline::new([sum.named("sum").confirms(QUEUE.name())])?;
    /// # Ok::<(), entourage::PipelineError>(())
    /// ```
    #[must_use = "returns the changed node"]
    pub fn confirms(mut self, dataset: impl AsRef<str>) -> Self {
        let dataset = SmolStr::new(dataset);
        let confirms = &mut self.extras_mut().confirms;
        if !confirms.contains(&dataset) {
            confirms.push(dataset);
        }
        self
    }

    pub(super) fn extras_mut(&mut self) -> &mut Extras {
        Arc::make_mut(self.extras.get_or_insert_default())
    }

    /// What it reads, and what it writes.
    pub(super) fn reads_and_writes(&self) -> (&[Slot], &[Slot]) {
        self.slots.split_at(self.reads as usize)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |slots: &[Slot]| slots.iter().map(|slot| slot.name.clone()).collect::<Vec<_>>();
        let (reads, writes) = self.reads_and_writes();
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("inputs", &names(reads))
            .field("outputs", &names(writes))
            .finish_non_exhaustive()
    }
}

impl<F, Args> fmt::Debug for NodeBuilder<F, Args> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeBuilder").finish_non_exhaustive()
    }
}
