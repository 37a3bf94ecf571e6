//! The laws of the algebra of pipelines, on random ones.
#![cfg(feature = "pipeline")]

use std::collections::{BTreeMap, BTreeSet};

use entourage::{Data, Namespace, Node, Pipeline, Selection, node};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

/// A node as the model has it: what it reads. Node `n3` writes `d3`.
type Model = BTreeMap<usize, BTreeSet<usize>>;

const NODES: usize = 12;

fn data(at: usize) -> Data<u32> {
    Data::memory("d").named(format!("d{at}"))
}

fn make(at: usize, reads: &BTreeSet<usize>) -> Node {
    let reads: Vec<usize> = reads.iter().copied().collect();
    let built = match reads[..] {
        [] => node(|| 0_u32).reads(()).writes(data(at)),
        [a] => node(|a: &u32| *a).reads(data(a)).writes(data(at)),
        [a, b, ..] => node(|a: &u32, b: &u32| a + b).reads((data(a), data(b))).writes(data(at)),
    };
    built.named(format!("n{at}")).tag(format!("t{}", at % 3))
}

fn build(model: &Model) -> Pipeline {
    Pipeline::new(model.iter().map(|(at, reads)| make(*at, reads))).unwrap()
}

/// What some nodes read, each of nodes before it: so nothing is a circle. `d100`
/// and more are free inputs.
fn whole() -> impl Strategy<Value = Model> {
    let reads = |at: usize| btree_set(prop_oneof![0..at.max(1), 100..103_usize], 0..3);
    let all: Vec<_> = (0..NODES).map(reads).collect();
    all.prop_map(|all| {
        let own = |(at, reads): (usize, BTreeSet<usize>)| {
            (at, reads.into_iter().filter(|read| *read != at).collect())
        };
        all.into_iter().enumerate().map(own).collect()
    })
}

fn part(model: &Model, keep: &BTreeSet<usize>) -> Model {
    model
        .iter()
        .filter(|(at, _)| keep.contains(at))
        .map(|(at, reads)| (*at, reads.clone()))
        .collect()
}

fn some_nodes() -> impl Strategy<Value = BTreeSet<usize>> {
    btree_set(0..NODES, 0..NODES)
}

fn names(pipeline: &Pipeline) -> Vec<String> {
    pipeline.node_names().map(str::to_owned).collect()
}

fn set(pipeline: &Pipeline) -> BTreeSet<String> {
    pipeline.node_names().map(str::to_owned).collect()
}

/// All that a pipeline shows of itself.
fn shown(pipeline: &Pipeline) -> String {
    pipeline.to_json()
}

/// The nodes that `start` leads to by `next`, themselves included.
fn reached(start: BTreeSet<usize>, next: impl Fn(usize) -> BTreeSet<usize>) -> BTreeSet<usize> {
    let mut reached = start;
    loop {
        let more: BTreeSet<usize> = reached.iter().flat_map(|at| next(*at)).collect();
        if more.is_subset(&reached) {
            return reached;
        }
        reached.extend(more);
    }
}

fn after(model: &Model, at: usize) -> BTreeSet<usize> {
    model.iter().filter(|(_, reads)| reads.contains(&at)).map(|(at, _)| *at).collect()
}

fn before(model: &Model, at: usize) -> BTreeSet<usize> {
    model[&at].iter().copied().filter(|read| model.contains_key(read)).collect()
}

fn named(nodes: &BTreeSet<usize>) -> BTreeSet<String> {
    nodes.iter().map(|at| format!("n{at}")).collect()
}

proptest! {
    #[test]
    fn sets_of_nodes_obey_the_laws_of_sets(
        model in whole(), a in some_nodes(), b in some_nodes(), c in some_nodes()
    ) {
        let of = |keep: &BTreeSet<usize>| build(&part(&model, keep));
        let (left, right, third) = (of(&a), of(&b), of(&c));
        let union = (&left | &right).unwrap();
        prop_assert_eq!(shown(&union), shown(&(&right | &left).unwrap()));
        prop_assert_eq!(shown(&(&left | &left).unwrap()), shown(&left));
        prop_assert_eq!(set(&union), named(&(&a | &b)));
        let (one, other) = ((&union | &third).unwrap(), (&left | (&right | &third).unwrap()).unwrap());
        prop_assert_eq!(shown(&one), shown(&other));
        prop_assert_eq!(shown(&Pipeline::sum([&left, &right, &third]).unwrap()), shown(&one));
        let difference = (&left - &right).unwrap();
        prop_assert_eq!(set(&difference), named(&(&a - &b)));
        let both = (&left & &right).unwrap();
        prop_assert_eq!(set(&both), named(&(&a & &b)));
        prop_assert_eq!(shown(&(&difference | &both).unwrap()), shown(&left));
        prop_assert_eq!(shown(&(&left - &difference).unwrap()), shown(&both));
    }

    #[test]
    fn order_of_declaration_changes_nothing(
        (model, order) in whole().prop_flat_map(|model| {
            let nodes: Vec<usize> = model.keys().copied().collect();
            (Just(model), Just(nodes).prop_shuffle())
        })
    ) {
        let shuffled = Pipeline::new(order.iter().map(|at| make(*at, &model[at]))).unwrap();
        prop_assert_eq!(shown(&shuffled), shown(&build(&model)));
    }

    #[test]
    fn selection_is_what_a_model_of_sets_says(
        model in whole(),
        from in btree_set(0..NODES, 0..3),
        to in btree_set(0..NODES, 0..3),
        tags in btree_set(0..3_usize, 0..3),
        inputs in btree_set(0..NODES, 0..3),
    ) {
        let pipeline = build(&model);
        let all: BTreeSet<usize> = model.keys().copied().collect();
        let mut expected = all.clone();
        if !from.is_empty() {
            expected = &expected & &reached(from.clone(), |at| after(&model, at));
        }
        if !to.is_empty() {
            expected = &expected & &reached(to.clone(), |at| before(&model, at));
        }
        if !tags.is_empty() {
            expected.retain(|at| tags.contains(&(at % 3)));
        }
        if !inputs.is_empty() {
            let readers = inputs.iter().flat_map(|at| after(&model, *at)).collect();
            expected = &expected & &reached(readers, |at| after(&model, at));
        }
        let selection = Selection::new()
            .from_nodes(named(&from))
            .to_nodes(named(&to))
            .tags(tags.iter().map(|tag| format!("t{tag}")))
            .from_inputs(inputs.iter().map(|at| format!("d{at}")));
        match pipeline.select(&selection) {
            Ok(selected) => {
                prop_assert_eq!(set(&selected), named(&expected));
                // Of what is a part of itself, the same is selected.
                prop_assert_eq!(shown(&selected), shown(&build(&part(&model, &expected))));
            }
            Err(error) => prop_assert!(error.is_empty_selection() && expected.is_empty(), "{error}"),
        }
    }

    #[test]
    fn groups_respect_the_edges_and_are_as_early_as_can_be(model in whole()) {
        let pipeline = build(&model);
        let groups: Vec<Vec<String>> = pipeline
            .groups()
            .map(|group| group.iter().map(|node| node.name().to_owned()).collect())
            .collect();
        prop_assert_eq!(groups.concat(), names(&pipeline));
        let group_of = |at: usize| {
            groups.iter().position(|group| group.contains(&format!("n{at}"))).unwrap()
        };
        for at in model.keys() {
            let earliest = before(&model, *at).into_iter().map(|at| group_of(at) + 1).max();
            prop_assert_eq!(group_of(*at), earliest.unwrap_or(0));
        }
        for group in &groups {
            prop_assert!(group.is_sorted());
        }
    }

    #[test]
    fn renaming_joins_nothing_and_can_be_taken_back(
        model in whole(), kept in vec(any::<bool>(), NODES), prefix in "[a-z]{1,3}(\\.[a-z])?"
    ) {
        let pipeline = build(&model);
        let inputs: BTreeSet<&str> = pipeline.inputs().collect();
        let names: Vec<&str> = pipeline.dataset_names().collect();
        let keep = |name: &&str| kept[name.len() * 7 % NODES];
        let namespace = Namespace::new(prefix.clone())
            .keep_inputs(names.iter().filter(|name| inputs.contains(**name)).copied().filter(keep))
            .keep_outputs(names.iter().filter(|name| !inputs.contains(**name)).copied().filter(keep));
        let renamed = pipeline.namespace(namespace).unwrap();
        prop_assert_eq!(renamed.len(), pipeline.len());
        prop_assert_eq!(renamed.dataset_names().count(), names.len());
        let front = format!("{prefix}.");
        let back = |name: &str| name.strip_prefix(&front).unwrap_or(name).to_owned();
        let edges = |pipeline: &Pipeline, name: &dyn Fn(&str) -> String| {
            let edges = |node: entourage::NodeView<'_>| {
                let inputs: Vec<_> = node.inputs().map(name).collect();
                (name(node.name()), (inputs, node.outputs().map(name).collect::<Vec<_>>()))
            };
            pipeline.nodes().map(edges).collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(edges(&renamed, &back), edges(&pipeline, &str::to_owned));
        prop_assert!(renamed.nodes().all(|node| node.namespace() == Some(&prefix)));
    }
}
