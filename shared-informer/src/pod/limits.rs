//! The bounds of a pod, in bytes or entries. Kubernetes' own where it has one; the others are far beyond
//! anything that runs.

/// The JSON of one pod. The API server takes no request above 3 MiB, and etcd none above 1.5 MiB.
pub const POD_BYTES: usize = 3 << 20;
/// Names of objects and nodes: a DNS subdomain.
pub const NAME: usize = 253;
/// Names of namespaces, containers, volumes and hosts, and label values: a DNS label.
pub const LABEL: usize = 63;
/// Keys of labels and annotations: prefix, slash, name.
pub const KEY: usize = 253 + 1 + 63;
/// Keys and values of all annotations of an object together.
pub const ANNOTATIONS_BYTES: usize = 256 << 10;
/// UIDs, resource versions, config hashes. Kubernetes uses at most 36; these are opaque, so there is room.
pub const OPAQUE: usize = 128;
/// `kind` of an owner.
pub const KIND: usize = 63;
/// Container IDs and image IDs, with their scheme, and image references: the grammar's own maximum is
/// below 700 (host 253, path 255, tag 128, digest 135).
pub const REFERENCE: usize = 1024;
/// Strings of in-tree volume sources.
pub const VOLUME_FIELD: usize = 1024;

/// Containers of each kind, and volumes. Kubernetes bounds them only by the size of the object.
pub const CONTAINERS: usize = 512;
/// See [`CONTAINERS`].
pub const VOLUMES: usize = 512;
/// Owner references.
pub const OWNERS: usize = 64;
/// Addresses; Kubernetes has two.
pub const ADDRESSES: usize = 16;
/// Labels, and annotations, of one object before the choice.
pub const PAIRS: usize = 8192;

/// What is kept of one pod, as [`super::Pod::heap_bytes`] counts it; a typical pod has 2 kB.
pub const KEPT_BYTES: usize = 128 << 10;
/// Labels kept of one pod, and annotations kept of one pod.
pub const KEPT_PAIRS: usize = 64;
/// The value of a kept annotation; a longer one is cut at a character's boundary.
pub const KEPT_VALUE: usize = 1024;
