use alloc::vec::Vec;
use core::{iter, mem};

use crate::Filter;
use crate::subject::is_wildcard;

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// A wildcard of some shape, or the root of a tree of shapes.
#[derive(Clone, Copy)]
pub(super) struct Node {
    /// The first child that is a `*` with another wildcard after it.
    pub(super) stars: u32,
    /// The first child that is a last wildcard: a `>` in the tree of these, or a `*`.
    pub(super) leaves: u32,
    /// The next of the siblings of the same kind.
    pub(super) next: u32,
    /// The number of filters with a shape that goes through here. 0: the node is free.
    count: u32,
    /// The number of literal tokens between the previous wildcard and this one.
    pub(super) run: u16,
}

/// The shapes of all filters: at which places they have wildcards, whatever their literal tokens.
///
/// Filters are many and their shapes are few: `a.*.c` and `x.*.z` have one shape. Shapes that end with `>` make one tree;
/// those without make a tree for each number of tokens.
pub(super) struct Shapes {
    nodes: Vec<Node>,
    /// The first of the free nodes, which are linked by `next`.
    free: u32,
    live: usize,
    /// The roots: at 0 that of shapes with `>`, at n that of shapes of n tokens.
    roots: Vec<u32>,
}

/// The index of the root for filters with `>`.
pub(super) const OPEN: usize = 0;

impl Shapes {
    pub(super) const fn new() -> Shapes {
        Shapes { nodes: Vec::new(), free: NONE, live: 0, roots: Vec::new() }
    }

    /// The root of a tree.
    #[inline]
    pub(super) fn tree(&self, count: usize) -> Option<&Node> {
        self.node(*self.roots.get(count)?)
    }

    /// `None` for [`NONE`].
    #[inline]
    pub(super) fn node(&self, node: u32) -> Option<&Node> {
        self.nodes.get(node as usize)
    }

    /// Counts a filter in. `false`, and nothing has changed: there is no room (2^32 - 1 nodes).
    pub(super) fn insert(&mut self, filter: Filter<'_>) -> bool {
        let count = tree_of(filter);
        let new_max = wildcards(filter).count() + 1;
        if self.nodes.len() + new_max >= NONE as usize {
            return false;
        }
        if self.roots.len() <= count {
            self.roots.resize(count + 1, NONE);
        }
        if self.roots[count] == NONE {
            self.roots[count] = self.add(0, NONE);
        }
        let mut at = self.roots[count];
        self.nodes[at as usize].count += 1;
        for step in wildcards(filter) {
            let (_, mut child) = self.find(at, step);
            if child == NONE {
                let next = *self.nodes[at as usize].children(step);
                child = self.add(step.run, next);
                *self.nodes[at as usize].children(step) = child;
            }
            self.nodes[child as usize].count += 1;
            at = child;
        }
        true
    }

    /// Counts a filter out that was counted in.
    pub(super) fn remove(&mut self, filter: Filter<'_>) {
        let count = tree_of(filter);
        let root = self.roots[count];
        let mut at = root;
        self.nodes[at as usize].count -= 1;
        let mut dead = NONE;
        for step in wildcards(filter) {
            let (before, child) = self.find(at, step);
            let node = &mut self.nodes[child as usize];
            node.count -= 1;
            if node.count == 0 {
                let next = node.next;
                match before {
                    NONE => *self.nodes[at as usize].children(step) = next,
                    before => self.nodes[before as usize].next = next,
                }
                dead = child;
                break;
            }
            at = child;
        }
        // Below a node that only this filter had, there are only nodes that only this filter had.
        while dead != NONE {
            dead = self.release(dead);
        }
        if self.nodes[root as usize].count == 0 {
            self.release(root);
            self.roots[count] = NONE;
            while self.roots.last() == Some(&NONE) {
                self.roots.pop();
            }
            self.roots.shrink_to(self.roots.len() * 4);
        }
        if self.live * 4 <= self.nodes.len() {
            self.compact();
        }
    }

    /// The child for a step, and the sibling before it.
    fn find(&mut self, parent: u32, step: Step) -> (u32, u32) {
        let (mut before, mut at) = (NONE, *self.nodes[parent as usize].children(step));
        while let Some(node) = self.node(at)
            && node.run != step.run
        {
            (before, at) = (at, node.next);
        }
        (before, at)
    }

    fn add(&mut self, run: u16, next: u32) -> u32 {
        let node = Node { stars: NONE, leaves: NONE, next, count: 0, run };
        self.live += 1;
        if self.free == NONE {
            self.nodes.push(node);
            return (self.nodes.len() - 1) as u32;
        }
        let at = self.free;
        self.free = self.nodes[at as usize].next;
        self.nodes[at as usize] = node;
        at
    }

    /// Frees a node that has one child at most, and returns that.
    fn release(&mut self, at: u32) -> u32 {
        let node = &mut self.nodes[at as usize];
        let child = node.stars.min(node.leaves);
        (node.count, node.next) = (0, self.free);
        self.free = at;
        self.live -= 1;
        child
    }

    /// Moves the live nodes together.
    fn compact(&mut self) {
        let mut names = Vec::with_capacity(self.nodes.len());
        let mut live = 0;
        for node in &self.nodes {
            names.push(if node.count == 0 { NONE } else { live });
            live += u32::from(node.count != 0);
        }
        let rename = |name: u32| if name == NONE { NONE } else { names[name as usize] };
        self.nodes.retain(|node| node.count != 0);
        for node in &mut self.nodes {
            (node.stars, node.leaves, node.next) =
                (rename(node.stars), rename(node.leaves), rename(node.next));
        }
        for root in &mut self.roots {
            *root = rename(*root);
        }
        self.nodes.shrink_to(self.nodes.len() * 2);
        self.free = NONE;
    }
}

impl Node {
    /// The first of the children that a step may lead to.
    fn children(&mut self, step: Step) -> &mut u32 {
        if step.last { &mut self.leaves } else { &mut self.stars }
    }
}

/// One wildcard of a filter.
#[derive(Clone, Copy)]
struct Step {
    /// The number of literal tokens before it.
    run: u16,
    last: bool,
}

/// The wildcards of a filter, in order.
fn wildcards(filter: Filter<'_>) -> impl Iterator<Item = Step> {
    let tokens = filter.tokens().enumerate();
    let mut places = tokens.filter(|(_, token)| is_wildcard(token)).map(|(place, _)| place).peekable();
    let mut pos = 0;
    iter::from_fn(move || {
        let place = places.next()?;
        // Fits: a filter has at most (LEN_MAX + 1) / 2 tokens.
        let run = (place - mem::replace(&mut pos, place + 1)) as u16;
        Some(Step { run, last: places.peek().is_none() })
    })
}

/// The tree that a filter's shape belongs to.
pub(super) fn tree_of(filter: Filter<'_>) -> usize {
    if filter.has_tail() { OPEN } else { filter.token_count() }
}
