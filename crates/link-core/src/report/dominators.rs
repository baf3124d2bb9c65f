//! Dominators of a graph: a node dominates those that cannot be reached without it. By the
//! algorithm Semi-NCA (Georgiadis, "Linear-Time Algorithms for Dominators and Related Problems"),
//! whose time is nearly linear in practice. Nothing recurses: inputs decide how deep graphs are.

/// No node, and no number.
pub(super) const NONE: u32 = u32::MAX;

/// The edges of a graph whose nodes are numbers: those of a node lie side by side.
#[derive(Debug, Default)]
pub(super) struct Edges {
    /// For each node, its first edge; one more for the end.
    starts: Vec<u32>,
    targets: Vec<u32>,
}

impl Edges {
    /// Edges in the order of the nodes they start from.
    pub(super) fn new(starts: Vec<u32>, targets: Vec<u32>) -> Self {
        Self { starts, targets }
    }

    /// The numbers of the edges of a node.
    pub(super) fn of(&self, node: u32) -> std::ops::Range<usize> {
        let node = node as usize;
        self.starts[node] as usize..self.starts[node + 1] as usize
    }

    /// The nodes that a node's edges lead to.
    pub(super) fn from(&self, node: u32) -> &[u32] {
        &self.targets[self.of(node)]
    }

    pub(super) fn target(&self, edge: usize) -> u32 {
        self.targets[edge]
    }

    fn node_count(&self) -> usize {
        self.starts.len() - 1
    }
}

/// The nodes that can be reached, in the order of a depth-first search, and what dominates them.
pub(super) struct Dominators {
    /// The nodes in the order in which they were reached; the root is first.
    order: Vec<u32>,
    /// For each of them, the place of its immediate dominator in that order.
    idoms: Vec<u32>,
}

impl Dominators {
    /// Of the nodes that can be reached from node 0.
    pub(super) fn of(edges: &Edges) -> Self {
        let search = Search::run(edges);
        let idoms = search.dominators(edges);
        Self {
            order: search.order,
            idoms,
        }
    }

    /// For each node, the sum of `own` of it and of all nodes that it dominates; 0 for a node that
    /// cannot be reached.
    pub(super) fn retained(&self, own: &[u64]) -> Vec<u64> {
        let mut retained = vec![0; own.len()];
        for (place, &node) in self.order.iter().enumerate().rev() {
            retained[node as usize] += own[node as usize];
            if place > 0 {
                let dominator = self.order[self.idoms[place] as usize];
                retained[dominator as usize] += retained[node as usize];
            }
        }
        retained
    }
}

/// A depth-first search from node 0. Numbers are places in its order.
struct Search {
    order: Vec<u32>,
    numbers: Vec<u32>,
    parents: Vec<u32>,
}

impl Search {
    fn run(edges: &Edges) -> Self {
        let mut search = Self {
            order: Vec::new(),
            numbers: vec![NONE; edges.node_count()],
            parents: Vec::new(),
        };
        search.visit(0, 0);
        // Each node on the path, and its edges that are left.
        let mut path = vec![(0, edges.of(0))];
        while let Some((number, rest)) = path.last_mut() {
            let Some(edge) = rest.next() else {
                path.pop();
                continue;
            };
            let node = edges.target(edge);
            if search.numbers[node as usize] == NONE {
                let parent = *number;
                path.push((search.visit(node, parent), edges.of(node)));
            }
        }
        search
    }

    fn visit(&mut self, node: u32, parent: u32) -> u32 {
        let number = self.order.len() as u32;
        self.numbers[node as usize] = number;
        self.order.push(node);
        self.parents.push(parent);
        number
    }

    /// By number, the numbers of the nodes that edges come from.
    fn predecessors(&self, edges: &Edges) -> Edges {
        let count = self.order.len();
        let mut starts = vec![0_u32; count + 1];
        for &node in &self.order {
            for &target in edges.from(node) {
                starts[self.numbers[target as usize] as usize + 1] += 1;
            }
        }
        for number in 0..count {
            starts[number + 1] += starts[number];
        }
        let mut next = starts.clone();
        let mut sources = vec![0; starts[count] as usize];
        for (number, &node) in (0..).zip(&self.order) {
            for &target in edges.from(node) {
                let place = &mut next[self.numbers[target as usize] as usize];
                sources[*place as usize] = number;
                *place += 1;
            }
        }
        Edges::new(starts, sources)
    }

    fn dominators(&self, edges: &Edges) -> Vec<u32> {
        let count = self.order.len() as u32;
        let predecessors = self.predecessors(edges);
        let mut forest = Forest {
            ancestors: self.parents.clone(),
            labels: (0..count).collect(),
            semis: (0..count).collect(),
            path: Vec::new(),
        };
        // Semidominators, from the last node to the first.
        for number in (1..count).rev() {
            let mut semi = self.parents[number as usize];
            for &source in predecessors.from(number) {
                let best = forest.best(source, number + 1);
                semi = semi.min(forest.semis[best as usize]);
            }
            forest.semis[number as usize] = semi;
        }
        // The immediate dominator is the nearest ancestor that is not behind the semidominator.
        let mut idoms = self.parents.clone();
        for number in 1..count as usize {
            while idoms[number] > forest.semis[number] {
                idoms[number] = idoms[idoms[number] as usize];
            }
        }
        idoms
    }
}

/// The nodes that are done, as trees whose paths are shortened whenever they are walked.
struct Forest {
    ancestors: Vec<u32>,
    /// The node of least semidominator on the path that was cut short.
    labels: Vec<u32>,
    semis: Vec<u32>,
    path: Vec<u32>,
}

impl Forest {
    /// The node of least semidominator on the path from `number` up to the root of its tree.
    /// Nodes from `done` on are in trees.
    fn best(&mut self, number: u32, done: u32) -> u32 {
        let mut at = number;
        while self.ancestors[at as usize] >= done {
            self.path.push(at);
            at = self.ancestors[at as usize];
        }
        while let Some(below) = self.path.pop() {
            let (best, own) = (self.labels[at as usize], self.labels[below as usize]);
            if self.semis[best as usize] < self.semis[own as usize] {
                self.labels[below as usize] = best;
            }
            self.ancestors[below as usize] = self.ancestors[at as usize];
            at = below;
        }
        self.labels[at as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(count: u32, list: &[(u32, u32)]) -> Edges {
        let mut starts = vec![0];
        let mut targets = Vec::new();
        for node in 0..count {
            targets.extend(list.iter().filter(|edge| edge.0 == node).map(|edge| edge.1));
            starts.push(targets.len() as u32);
        }
        Edges::new(starts, targets)
    }

    /// The nodes that are reached without a node.
    fn reached(edges: &Edges, without: u32) -> Vec<bool> {
        let mut reached = vec![false; edges.node_count()];
        let mut list = if without == 0 { vec![] } else { vec![0] };
        while let Some(node) = list.pop() {
            if node != without && !std::mem::replace(&mut reached[node as usize], true) {
                list.extend(edges.from(node));
            }
        }
        reached
    }

    /// The definition of dominance, node by node.
    fn retained_slowly(edges: &Edges, own: &[u64]) -> Vec<u64> {
        let all = reached(edges, NONE);
        let of = |node: u32| {
            let left = reached(edges, node);
            let gone = (0..own.len()).filter(|&other| all[other] && !left[other]);
            gone.map(|other| own[other]).sum()
        };
        let nodes = 0..own.len() as u32;
        nodes
            .map(|node| if all[node as usize] { of(node) } else { 0 })
            .collect()
    }

    #[test]
    fn random_graphs_have_the_dominators_of_the_definition() {
        let mut state = 1_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        for _ in 0..400 {
            let count = 1 + random(14);
            let edge_count = random(3 * count);
            let list: Vec<_> = (0..edge_count)
                .map(|_| (random(count), random(count)))
                .collect();
            let edges = edges(count, &list);
            let own: Vec<u64> = (0..count).map(|_| random(100).into()).collect();
            let retained = Dominators::of(&edges).retained(&own);
            assert_eq!(retained, retained_slowly(&edges, &own), "{list:?}");
        }
    }

    #[test]
    fn a_long_chain_is_no_problem() {
        let count = 300_000;
        let targets = (1..count).collect();
        let starts = (0..count).chain([count - 1]).collect();
        let retained =
            Dominators::of(&Edges::new(starts, targets)).retained(&vec![1; count as usize]);
        assert_eq!(retained[0], u64::from(count));
        assert_eq!(retained[count as usize - 1], 1);
    }
}
