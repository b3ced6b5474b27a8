//! The handle by which the interest names a subscription.

/// The most workers that a [`Target`] can tell apart.
pub const WORKERS_MAX: usize = 256;

/// Names a subscription of a worker: worker, slot, and the generation of the slot, so that a handle that outlives its
/// subscription is recognised when the slot has been given to another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Target(u64);

impl Target {
    /// The number of distinct generations of a slot: they wrap after 2^24 uses.
    const GENERATIONS: u32 = 1 << 24;

    /// A handle. `generation` is taken modulo 2^24.
    pub fn new(worker: u8, generation: u32, slot: u32) -> Target {
        Target(u64::from(worker) << 56 | u64::from(generation % Self::GENERATIONS) << 32 | u64::from(slot))
    }

    /// The worker that owns the subscription.
    pub fn worker(self) -> usize {
        (self.0 >> 56) as usize
    }

    /// The slot in that worker's [`Subscriptions`](crate::Subscriptions).
    pub fn slot(self) -> u32 {
        self.0 as u32
    }

    /// The generation of the slot, modulo 2^24.
    pub fn generation(self) -> u32 {
        (self.0 >> 32) as u32 % Self::GENERATIONS
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn parts_come_back() {
        let t = Target::new(255, 0x0123_4567, u32::MAX);
        assert_eq!((t.worker(), t.generation(), t.slot()), (255, 0x0023_4567, u32::MAX));
    }
}
