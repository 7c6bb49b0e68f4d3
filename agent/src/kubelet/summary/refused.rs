//! What was left out of a summary, counted.

use shared_informer::pod::Refusal;

/// What was left out: the metric attribute `part`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// A pod, with everything in it.
    Pod,
    /// A container of a pod or of the node.
    Container,
    /// A volume.
    Volume,
    /// A network interface.
    Interface,
}

impl Part {
    /// Every part, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Pod, Self::Container, Self::Volume, Self::Interface];

    /// The metric attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Container => "container",
            Self::Volume => "volume",
            Self::Interface => "interface",
        }
    }
}

/// How much was left out, by what and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refused([[u32; Refusal::ALL.len()]; Part::ALL.len()]);

impl Refused {
    /// One more.
    pub fn add(&mut self, part: Part, why: Refusal) {
        self.add_many(part, why, 1);
    }

    /// So many more.
    pub fn add_many(&mut self, part: Part, why: Refusal, count: u32) {
        if let Some(cell) = self.0.get_mut(part as usize).and_then(|row| row.get_mut(why as usize)) {
            *cell = cell.saturating_add(count);
        }
    }

    /// What is not zero.
    pub fn iter(&self) -> impl Iterator<Item = (Part, Refusal, u32)> + '_ {
        let rows = Part::ALL.into_iter().zip(&self.0);
        rows.flat_map(|(part, row)| {
            let cells = Refusal::ALL.into_iter().zip(row).filter(|(_, count)| **count > 0);
            cells.map(move |(why, count)| (part, why, *count))
        })
    }
}
