//! Which labels and annotations are worth their memory: the caller's choice.

/// What [`super::parse()`] keeps beyond the fixed fields. The caller brings names or patterns of its own.
pub trait Keep {
    /// Whether the label of this key is kept.
    fn label(&self, key: &str) -> bool;

    /// Whether the annotation of this key is kept.
    fn annotation(&self, key: &str) -> bool;

    /// Whether the containers' `imageID` is kept, some 100 bytes each.
    fn image_ids(&self) -> bool {
        false
    }

    /// Another number for another choice: what was remembered of one lacks what the other would have kept.
    fn fingerprint(&self) -> u64 {
        0
    }
}

/// Two closures: labels, annotations.
impl<L: Fn(&str) -> bool, A: Fn(&str) -> bool> Keep for (L, A) {
    fn label(&self, key: &str) -> bool {
        self.0(key)
    }

    fn annotation(&self, key: &str) -> bool {
        self.1(key)
    }
}
