//! Graphs of nodes that each have a number: one where they read nothing, one more
//! than what they read, or the sum of the two.

/// For each node those that it reads, two at most.
pub(crate) struct Graph {
    pub(crate) parents: Vec<Vec<usize>>,
}

/// A name, and how one of so many nodes is made.
pub(crate) type Shape = (&'static str, fn(usize) -> Graph);

pub(crate) const SHAPES: [Shape; 5] = [
    ("fan_out", fan_out),
    ("chain", chain),
    ("grid", grid),
    ("binary_tree", binary_tree),
    ("wavefront", wavefront),
];

impl Graph {
    pub(crate) fn of(parents: &[&[usize]]) -> Self {
        Self { parents: parents.iter().map(|parents| parents.to_vec()).collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.parents.len()
    }

    /// What the last node comes to.
    pub(crate) fn answer(&self) -> u64 {
        let mut numbers: Vec<u64> = Vec::with_capacity(self.len());
        for parents in &self.parents {
            numbers.push(match parents[..] {
                [] => 1,
                [a] => next(numbers[a]),
                [a, b] => sum(numbers[a], numbers[b]),
                _ => panic!("a node reads two others at most"),
            });
        }
        numbers.last().copied().unwrap_or(0)
    }
}

pub(crate) fn next(number: u64) -> u64 {
    number.wrapping_add(1)
}

pub(crate) fn sum(a: u64, b: u64) -> u64 {
    a.wrapping_add(b)
}

fn of(nodes: usize, parents: impl Fn(usize) -> Vec<usize>) -> Graph {
    Graph { parents: (0..nodes).map(parents).collect() }
}

fn fan_out(nodes: usize) -> Graph {
    of(nodes, |at| if at == 0 { vec![] } else { vec![0] })
}

fn chain(nodes: usize) -> Graph {
    of(nodes, |at| if at == 0 { vec![] } else { vec![at - 1] })
}

/// Rows of 32; each node reads two neighbours of the row before.
fn grid(nodes: usize) -> Graph {
    const WIDTH: usize = 32;
    of(nodes, |at| match at.checked_sub(WIDTH) {
        None => vec![],
        Some(left) => vec![left, left / WIDTH * WIDTH + (left + 1) % WIDTH],
    })
}

fn binary_tree(nodes: usize) -> Graph {
    of(nodes, |at| if at == 0 { vec![] } else { vec![(at - 1) / 2] })
}

/// A square, or nearly; each node reads the one above and the one to the left.
fn wavefront(nodes: usize) -> Graph {
    let side = nodes.isqrt();
    of(side * side, |at| {
        let left = at.checked_sub(1).filter(|_| !at.is_multiple_of(side));
        at.checked_sub(side).into_iter().chain(left).collect()
    })
}
