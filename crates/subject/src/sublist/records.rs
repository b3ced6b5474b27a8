use alloc::vec::Vec;

/// A filter's own bytes begin after its length (2 bytes) and its fan-out number (4 bytes).
const HEAD: usize = 6;
/// The fan-out number of a record that has but one plain value, which is kept in the record.
pub(super) const SINGLE: u32 = u32::MAX;

/// Names a record until the next removal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ref {
    pub(super) class: u8,
    pub(super) index: u32,
}

/// One record for each distinct filter: its bytes, and one value or the number of its fan-out.
///
/// Records of about equal size lie side by side in one array without gaps: a removed one is replaced by the last of its
/// class, so that memory follows the number of records whatever the order of removal.
pub(super) struct Records<T> {
    classes: Vec<Class<T>>,
}

struct Class<T> {
    /// `stride` bytes for each record: head, filter, padding.
    bytes: Vec<u8>,
    /// Means something only in records without a fan-out.
    values: Vec<T>,
}

impl<T: Copy> Records<T> {
    pub(super) const fn new() -> Records<T> {
        Records { classes: Vec::new() }
    }

    /// `None`: there is no room for one more of this size (2^32 - 1), or the filter is too long.
    pub(super) fn push(&mut self, filter: &[u8], value: T, fan: u32) -> Option<Ref> {
        let len = u16::try_from(filter.len()).ok()?;
        let class = class_of(HEAD + filter.len());
        let stride = stride_of(class);
        if self.classes.len() <= usize::from(class) {
            self.classes.resize_with(usize::from(class) + 1, || Class { bytes: Vec::new(), values: Vec::new() });
        }
        let Class { bytes, values } = &mut self.classes[usize::from(class)];
        let index = u32::try_from(values.len()).ok().filter(|&index| index != u32::MAX)?;
        reserve(bytes, stride);
        reserve(values, 1);
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&fan.to_le_bytes());
        bytes.extend_from_slice(filter);
        bytes.resize(stride * (index as usize + 1), 0);
        values.push(value);
        Some(Ref { class, index })
    }

    /// Takes a record out. If another one has moved into its place, returns the former name of that.
    pub(super) fn swap_remove(&mut self, record: Ref) -> Option<Ref> {
        let Class { bytes, values } = &mut self.classes[usize::from(record.class)];
        let stride = stride_of(record.class);
        values.swap_remove(record.index as usize);
        let (last, hole) = (values.len(), record.index as usize);
        bytes.copy_within(last * stride.., hole * stride);
        bytes.truncate(last * stride);
        if values.len() * 4 <= values.capacity() {
            values.shrink_to(last * 2);
            bytes.shrink_to(last * 2 * stride);
        }
        (hole != last).then_some(Ref { class: record.class, index: last as u32 })
    }

    #[inline]
    pub(super) fn filter(&self, record: Ref) -> &[u8] {
        let row = self.row(record);
        &row[HEAD..][..usize::from(u16::from_le_bytes([row[0], row[1]]))]
    }

    /// The number of the fan-out, or [`SINGLE`].
    #[inline]
    pub(super) fn fan(&self, record: Ref) -> u32 {
        let row = self.row(record);
        u32::from_le_bytes([row[2], row[3], row[4], row[5]])
    }

    pub(super) fn set_fan(&mut self, record: Ref, fan: u32) {
        let stride = stride_of(record.class);
        let row = &mut self.classes[usize::from(record.class)].bytes[record.index as usize * stride..];
        row[2..HEAD].copy_from_slice(&fan.to_le_bytes());
    }

    #[inline]
    pub(super) fn value(&self, record: Ref) -> T {
        self.classes[usize::from(record.class)].values[record.index as usize]
    }

    pub(super) fn set_value(&mut self, record: Ref, value: T) {
        self.classes[usize::from(record.class)].values[record.index as usize] = value;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Ref> + Clone {
        (0..).zip(&self.classes).flat_map(|(class, records)| {
            (0..records.values.len() as u32).map(move |index| Ref { class, index })
        })
    }

    #[inline]
    fn row(&self, record: Ref) -> &[u8] {
        let stride = stride_of(record.class);
        &self.classes[usize::from(record.class)].bytes[record.index as usize * stride..][..stride]
    }
}

/// Grows by a quarter, not by doubling: with a million records the unused part matters.
fn reserve<V>(vec: &mut Vec<V>, additional: usize) {
    if vec.capacity() - vec.len() < additional {
        vec.reserve_exact(additional.max(vec.len() / 4).max(additional * 4));
    }
}

/// Eight classes in steps of 8 bytes, then four for each doubling.
fn class_of(size: usize) -> u8 {
    let words = size.div_ceil(8);
    if words <= 8 {
        return words as u8 - 1;
    }
    let doubling = (words - 1).ilog2() - 2;
    ((doubling * 4) as usize + ((words - 1) >> doubling)) as u8
}

fn stride_of(class: u8) -> usize {
    let class = usize::from(class);
    if class < 8 {
        return 8 * (class + 1);
    }
    let doubling = class / 4 - 1;
    8 * ((class % 4 + 5) << doubling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_has_the_least_class_that_holds_it() {
        for size in 1..=HEAD + crate::LEN_MAX {
            let class = class_of(size);
            assert!(class < 64 && stride_of(class) >= size, "{size}");
            assert!(class == 0 || stride_of(class - 1) < size, "{size}");
        }
    }
}
