//! Where one JSON value ends, in bytes that arrive in pieces. It looks at quotes and brackets only; whether what lies
//! between is JSON is for a parser to say, which is given exactly these bytes.

/// The state within a value.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    kind: Kind,
    depth: u32,
    in_string: bool,
    escaped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing has been seen.
    Unknown,
    /// A number or a word: it ends before whatever cannot be part of one.
    Scalar,
    /// A string, or brackets of either kind: it ends with its last byte.
    Closed,
}

impl Default for Extent {
    fn default() -> Self {
        Self::new()
    }
}

impl Extent {
    /// Nothing of the value has been seen.
    pub const fn new() -> Self {
        Self { kind: Kind::Unknown, depth: 0, in_string: false, escaped: false }
    }

    /// How many of these bytes belong to the value, and whether it ends with them.
    pub fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
        if self.kind == Kind::Unknown {
            match bytes.first() {
                None => return (0, false),
                Some(b'"' | b'{' | b'[') => self.kind = Kind::Closed,
                Some(_) => self.kind = Kind::Scalar,
            }
        }
        let end = match self.kind {
            Kind::Scalar => bytes.iter().position(|byte| is_delimiter(*byte)),
            _ => bytes.iter().position(|byte| self.closes(*byte)).map(|at| at + 1),
        };
        (end.unwrap_or(bytes.len()), end.is_some())
    }

    /// Whether the value ends with this byte.
    fn closes(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => return false,
            }
            return !self.in_string && self.depth == 0;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b'}' | b']' | b'{' | b'[' | b'"') || is_space(byte)
}

/// Whitespace as JSON has it.
pub const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
