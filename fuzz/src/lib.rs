//! What the fuzz targets share. A target panics where a guarantee does not hold; that is all it does.
//!
//! [`host`] puts bytes where a collector reads them, [`check`] judges what came out by the reference's own
//! decoder, [`model`] is a segment made of plain values.

pub mod check;
pub mod host;
pub mod model;
