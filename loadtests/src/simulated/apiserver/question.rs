//! What a request asks: verb, resource and name as the API server names them in its audit log, and its parameters. Pure.

#[cfg(test)]
mod tests;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Question {
    /// get, list, watch, create, update, patch, delete or deletecollection.
    pub(super) verb: String,
    /// Empty for the core group.
    pub(super) group: String,
    /// Empty for a path that is no resource.
    pub(super) resource: String,
    pub(super) subresource: String,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    /// Without its parameters.
    pub(super) path: String,
    parameters: Vec<(String, String)>,
}

impl Question {
    /// Reads method, path and parameters.
    pub(super) fn read(method: &str, path_and_query: &str) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let parameters = query.split('&').filter(|part| !part.is_empty()).map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(key), decoded(value))
        });
        let mut question =
            Self { path: path.to_owned(), parameters: parameters.collect(), ..Self::default() };
        let mut parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        let below = match parts.first().map(String::as_str) {
            Some("api") if parts.len() > 2 => 2,
            Some("apis") if parts.len() > 3 => {
                question.group.clone_from(&parts[1]);
                3
            }
            _ => {
                question.verb = method.to_ascii_lowercase();
                return question;
            }
        };
        question.place(parts.split_off(below));
        let verb = question.resource_verb(method);
        verb.clone_into(&mut question.verb);
        question
    }

    /// Reads what lies below a group and its version.
    fn place(&mut self, mut parts: Vec<String>) {
        if parts.len() > 2 && parts.first().is_some_and(|first| first == "namespaces") {
            let inside = parts.split_off(2);
            self.namespace = parts.pop();
            parts = inside;
        }
        let mut parts = parts.into_iter();
        self.resource = parts.next().unwrap_or_default();
        self.name = parts.next();
        self.subresource = parts.next().unwrap_or_default();
    }

    fn resource_verb(&self, method: &str) -> &'static str {
        match (method, &self.name) {
            ("GET" | "HEAD", None) if matches!(self.parameter("watch"), Some("1" | "true")) => "watch",
            ("GET" | "HEAD", None) => "list",
            ("GET" | "HEAD", Some(_)) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", None) => "deletecollection",
            ("DELETE", Some(_)) => "delete",
            _ => "",
        }
    }

    /// A parameter; none if it is not there or empty.
    pub(super) fn parameter(&self, key: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether a parameter is there and true.
    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.parameter(key), Some("1" | "true"))
    }

    /// As in `daemonsets.apps`.
    pub(super) fn group_resource(&self) -> String {
        if self.group.is_empty() {
            self.resource.clone()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }

    /// As in `pods/log`.
    pub(super) fn resource_with_subresource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }
}

/// Without its percent signs; what is no UTF-8 then is replaced.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit =
        |at: usize| char::from(*bytes.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Which pods are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Selector {
    /// Only this node's.
    pub(super) node: Option<String>,
    namespace: Option<String>,
    /// Field, whether it has to be equal or different, value.
    terms: Vec<(Field, bool, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Node,
    Phase,
    Name,
    Namespace,
}

/// What a selector looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) node: &'a str,
    pub(super) phase: &'a str,
    pub(super) name: &'a str,
    pub(super) namespace: &'a str,
}

impl Selector {
    /// Reads the `fieldSelector` and the namespace of a question.
    ///
    /// # Errors
    /// What the server says about a selector that it does not know.
    pub(super) fn read(question: &Question) -> Result<Self, String> {
        let mut selector = Self { namespace: question.namespace.clone(), ..Self::default() };
        if question.parameter("labelSelector").is_some() {
            return Err("this simulated server knows no label selectors".to_owned());
        }
        let text = question.parameter("fieldSelector").unwrap_or_default();
        for term in unescaped_split(text).into_iter().filter(|term| !term.is_empty()) {
            let (key, equal, value) = split_term(&term)
                .ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{term}'"))?;
            let field = match key {
                "spec.nodeName" => Field::Node,
                "status.phase" => Field::Phase,
                "metadata.name" => Field::Name,
                "metadata.namespace" => Field::Namespace,
                _ => return Err(format!("field label not supported: {key}")),
            };
            if field == Field::Node && equal {
                selector.node = Some(value.to_owned());
            }
            selector.terms.push((field, equal, value.to_owned()));
        }
        Ok(selector)
    }

    /// Every pod of a node.
    pub(super) fn of_node(node: &str) -> Self {
        Self {
            node: Some(node.to_owned()),
            terms: vec![(Field::Node, true, node.to_owned())],
            ..Self::default()
        }
    }

    /// Whether it selects a pod with these fields.
    pub(super) fn selects(&self, fields: Fields<'_>) -> bool {
        let inside = self.namespace.as_ref().is_none_or(|namespace| namespace == fields.namespace);
        inside
            && self.terms.iter().all(|(field, equal, value)| {
                let found = match field {
                    Field::Node => fields.node,
                    Field::Phase => fields.phase,
                    Field::Name => fields.name,
                    Field::Namespace => fields.namespace,
                };
                (found == value) == *equal
            })
    }
}

/// At the commas that no backslash precedes, without the backslashes.
fn unescaped_split(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let escaped = (character == '\\').then(|| characters.next()).flatten();
        match (character, escaped, terms.last_mut()) {
            (',', ..) => terms.push(String::new()),
            (character, escaped, Some(term)) => term.push(escaped.unwrap_or(character)),
            (.., None) => {}
        }
    }
    terms
}

fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    if let Some((key, value)) = term.split_once("!=") {
        return Some((key, false, value));
    }
    let (key, value) = term.split_once("==").or_else(|| term.split_once('='))?;
    Some((key, true, value))
}
