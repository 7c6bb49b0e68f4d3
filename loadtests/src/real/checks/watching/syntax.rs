//! What a query is made of, from the tree that Prometheus itself reads it as (`/api/v1/parse_query`).

use std::collections::BTreeSet;

use serde_json::Value;

/// A selector somewhere in a query, and the labels that the query takes of its series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Selector {
    /// The selector on its own, as a query for what it selects now.
    pub(super) query: String,
    /// Labels by which its series are grouped or matched.
    pub(super) labels: BTreeSet<String>,
}

/// Every selector of a query, from its tree.
pub(super) fn selectors(tree: &Value) -> BTreeSet<Selector> {
    let mut found = BTreeSet::new();
    walk(tree, &BTreeSet::new(), &mut found);
    found
}

fn walk(node: &Value, labels: &BTreeSet<String>, found: &mut BTreeSet<Selector>) {
    let with = |more: &Value| {
        let more =
            more.as_array().into_iter().flatten().filter_map(|label| label.as_str().map(str::to_owned));
        labels.iter().cloned().chain(more).collect::<BTreeSet<_>>()
    };
    match node["type"].as_str().unwrap_or_default() {
        // What is grouped below is all that is left to be grouped above.
        "aggregation" if node["without"] == false => {
            let taken = with(&node["grouping"]);
            walk(&node["expr"], &taken, found);
            walk(&node["param"], &BTreeSet::new(), found);
        }
        "binaryExpr" => {
            let on = &node["matching"];
            let taken = if on["on"] == true { with(&on["labels"]) } else { labels.clone() };
            walk(&node["lhs"], &taken, found);
            walk(&node["rhs"], &taken, found);
        }
        "vectorSelector" | "matrixSelector" => {
            found.insert(Selector { query: select(node), labels: labels.clone() });
        }
        "call" => {
            for argument in node["args"].as_array().into_iter().flatten() {
                walk(argument, labels, found);
            }
        }
        // Parentheses, signs, subqueries, `without`; and numbers and texts, which have nothing below.
        _ => {
            if let Some(below) = node.get("expr") {
                walk(below, labels, found);
            }
        }
    }
}

fn select(node: &Value) -> String {
    let matchers: Vec<_> = node["matchers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|matcher| {
            let text = |key: &str| matcher[key].as_str().unwrap_or_default().to_owned();
            format!("{}{}{:?}", text("name"), text("type"), text("value"))
        })
        .collect();
    format!("{{{}}}", matchers.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_selector_is_told_with_the_labels_that_the_query_takes_of_it() {
        let selector = |name: &str| {
            let matchers = json!([{"name": "__name__", "type": "=", "value": name}]);
            json!({"type": "vectorSelector", "name": name, "matchers": matchers})
        };
        let rate = json!({"type": "call", "args": [selector("a")]});
        let sum = json!({"type": "aggregation", "without": false, "grouping": ["job"], "expr": rate, "param": null});
        let matching = json!({"on": true, "labels": ["node"]});
        let tree = json!({"type": "binaryExpr", "lhs": sum, "rhs": selector("b"), "matching": matching});
        let found: Vec<_> = selectors(&tree)
            .into_iter()
            .map(|selector| (selector.query, selector.labels.into_iter().collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            found,
            [
                ("{__name__=\"a\"}".to_owned(), vec!["job".to_owned(), "node".to_owned()]),
                ("{__name__=\"b\"}".to_owned(), vec!["node".to_owned()]),
            ]
        );
    }
}
