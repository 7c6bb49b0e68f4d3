//! Figures that the kubelet took at a time of its own.
//!
//! Each source of an object (CPU, a filesystem, ...) has a time of its own in the summary and therefore a segment of its
//! own. A sample goes out once: a summary that brings the same sample again records nothing.

use exporter::model::Timestamp;
use exporter::segment::{Resource, Segment};

use super::interfaces::Interfaces;
use super::readings::Network;
use super::segments::{KUBELET_SCOPE, Leaving, Maker, segment};
use crate::collectors::points::{Point, Points, count};
use crate::kubelet;

/// What parts of one object are made with.
pub(super) struct Making<'a, 'm> {
    pub(super) maker: &'a mut Maker<'m>,
    /// The object's resource.
    pub(super) resource: Resource,
    /// When its sums began to count.
    pub(super) start: Timestamp,
    /// The time of the scrape.
    pub(super) now: Timestamp,
    pub(super) leaving: &'a mut Leaving,
}

/// One source of one object, where the kubelet gives it.
#[derive(Debug)]
pub(super) struct Part<S: 'static>(Option<Box<Kept<S>>>);

#[derive(Debug)]
struct Kept<S: 'static> {
    segment: Segment,
    points: Points<S>,
    series: usize,
    /// The time of the last sample.
    time: Timestamp,
    /// Whether this scrape recorded it.
    fresh: bool,
}

impl<S> Default for Part<S> {
    fn default() -> Self {
        Self(None)
    }
}

impl<S> Part<S> {
    /// Records the sample of a summary; ends the series where it has none.
    pub(super) fn take(
        &mut self,
        sample: Option<(Timestamp, S)>,
        table: &'static [Point<S>],
        making: &mut Making<'_, '_>,
    ) {
        let Some((time, reading)) = sample else { return self.end(making.now, making.leaving) };
        if self.0.is_none() {
            let series = count(table, making.maker.enabled);
            if series == 0 || !making.maker.admits(series) {
                return;
            }
            let mut segment = segment(&making.resource, KUBELET_SCOPE, making.start);
            let points = Points::register(&mut segment, making.maker.enabled, table, &[]);
            let kept = Kept { segment, points, series, time: Timestamp(0), fresh: false };
            self.0 = Some(Box::new(kept));
        }
        if let Some(kept) = &mut self.0
            && kept.time < time
        {
            kept.segment.begin(time);
            kept.points.record(&mut kept.segment, &reading);
            making.maker.finish(&mut kept.segment);
            kept.time = time;
            kept.fresh = true;
        }
    }

    /// Ends the series, if there are any.
    pub(super) fn end(&mut self, now: Timestamp, leaving: &mut Leaving) {
        if let Some(kept) = self.0.take() {
            leaving.end(kept.segment, now);
        }
    }

    /// Goes on with the series of `old`, unless it reports them already.
    pub(super) fn inherit(&mut self, old: Self) {
        if self.0.is_none() {
            self.0 = old.0;
        }
    }

    /// Whether it has a segment already.
    pub(super) const fn exists(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a scrape that has nothing new so far.
    pub(super) const fn rest(&mut self) {
        if let Some(kept) = &mut self.0 {
            kept.fresh = false;
        }
    }

    /// How many series there are.
    pub(super) fn series(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| kept.series)
    }

    /// The segment, if this scrape recorded it.
    pub(super) fn fresh(&self) -> Option<&Segment> {
        self.0.as_ref().filter(|kept| kept.fresh).map(|kept| &kept.segment)
    }
}

/// The network of one object, where the kubelet gives it.
#[derive(Debug, Default)]
pub(super) struct NetworkPart(Option<Box<KeptNetwork>>);

#[derive(Debug)]
struct KeptNetwork {
    segment: Segment,
    interfaces: Interfaces,
    time: Timestamp,
    fresh: bool,
}

impl NetworkPart {
    /// As [`Part::take`]; `all` says whether every interface is reported or the default one only.
    pub(super) fn take(
        &mut self,
        sample: Option<(Timestamp, &kubelet::Network)>,
        table: &'static [Point<Network>],
        all: bool,
        making: &mut Making<'_, '_>,
    ) {
        let Some((time, network)) = sample else { return self.end(making.now, making.leaving) };
        let Making { maker, resource, start, .. } = making;
        if count(table, maker.enabled) == 0 {
            return;
        }
        let kept = self.0.get_or_insert_with(|| {
            Box::new(KeptNetwork {
                segment: segment(resource, KUBELET_SCOPE, *start),
                interfaces: Interfaces::new(table),
                time: Timestamp(0),
                fresh: false,
            })
        });
        if time <= kept.time {
            return;
        }
        let interfaces = if all { &*network.all } else { std::slice::from_ref(&network.default) };
        kept.segment.begin(time);
        kept.interfaces.begin();
        for interface in interfaces {
            let kubelet::Interface { name, rx_bytes, rx_errors, tx_bytes, tx_errors } = interface;
            let reading = Network {
                rx_bytes: *rx_bytes,
                rx_errors: *rx_errors,
                tx_bytes: *tx_bytes,
                tx_errors: *tx_errors,
            };
            kept.interfaces.record(&mut kept.segment, maker, name, &reading);
        }
        kept.interfaces.finish(&mut kept.segment, maker);
        maker.finish(&mut kept.segment);
        kept.time = time;
        kept.fresh = true;
    }

    /// As [`Part::end`].
    pub(super) fn end(&mut self, now: Timestamp, leaving: &mut Leaving) {
        if let Some(kept) = self.0.take() {
            leaving.end(kept.segment, now);
        }
    }

    /// As [`Part::inherit`].
    pub(super) fn inherit(&mut self, old: Self) {
        if self.0.is_none() {
            self.0 = old.0;
        }
    }

    /// As [`Part::rest`].
    pub(super) const fn rest(&mut self) {
        if let Some(kept) = &mut self.0 {
            kept.fresh = false;
        }
    }

    /// As [`Part::series`].
    pub(super) fn series(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| kept.interfaces.series())
    }

    /// As [`Part::fresh`].
    pub(super) fn fresh(&self) -> Option<&Segment> {
        self.0.as_ref().filter(|kept| kept.fresh).map(|kept| &kept.segment)
    }
}
