//! What Grafana would ask for a dashboard, how Prometheus is asked that, and of how much it has data.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What Grafana puts in for its own variables
const VARIABLES: &[(&str, &str)] = &[("$__rate_interval", "15s"), ("$job", ".+")];

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// An expression of a panel, with the variables put in
    Expression(String),
    /// Which values a label of a metric has, between which a variable lets choose
    Values { metric: String, label: String },
}

/// All that a dashboard asks; an error if there is a question that is not understood, or none
pub(super) fn all(dashboard: &Value) -> Result<Vec<Question>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let targets = list(&dashboard["panels"]).into_iter().flat_map(|panel| list(&panel["targets"]));
    let expressions = targets.filter_map(|target| Some(target["expr"].as_str()?.to_owned()));
    let put_in =
        |text| VARIABLES.iter().fold(text, |text: String, (name, value)| text.replace(name, value));
    let mut questions =
        expressions.map(|text| Question::Expression(put_in(text))).collect::<Vec<_>>();
    ensure!(!questions.is_empty(), "it has no expressions");
    let variables = list(&dashboard["templating"]["list"]);
    for variable in variables.iter().filter(|variable| variable["type"] == "query") {
        let query = variable["query"]["query"].as_str().context("a variable without its query")?;
        questions.push(Question::values(query).with_context(|| query.to_owned())?);
    }
    Ok(questions)
}

impl Question {
    /// `label_values(METRIC, LABEL)`, which is a word of Grafana's and none of Prometheus's
    fn values(query: &str) -> Result<Self> {
        let words = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (metric, label) =
            words.and_then(|words| words.rsplit_once(',')).context("is not known")?;
        Ok(Self::Values { metric: metric.trim().to_owned(), label: label.trim().to_owned() })
    }

    /// As the dashboard has it
    pub(super) fn text(&self) -> String {
        match self {
            Self::Expression(text) => text.clone(),
            Self::Values { metric, label } => format!("label_values({metric}, {label})"),
        }
    }

    /// Of what its answer has a number
    pub(super) const fn unit(&self) -> &'static str {
        match self {
            Self::Expression(_) => "series",
            Self::Values { .. } => "values",
        }
    }

    /// Where Prometheus is asked it
    pub(super) fn path(&self) -> String {
        match self {
            Self::Expression(text) => format!("/api/v1/query?query={}", escaped(text)),
            Self::Values { metric, label } => {
                format!("/api/v1/label/{}/values?match%5B%5D={}", escaped(label), escaped(metric))
            }
        }
    }

    /// Of how much an answer has data: series with a number (one that is none, as 0 / 0, is no data), or
    /// values
    pub(super) fn count(&self, answer: &Value) -> Result<usize> {
        ensure!(answer["status"] == "success", "{answer}");
        let data = &answer["data"];
        let list = match self {
            Self::Expression(_) => &data["result"],
            Self::Values { .. } => data,
        };
        let list = list.as_array().context("it answers otherwise")?;
        Ok(list.iter().filter(|one| self.is_data(one)).count())
    }

    fn is_data(&self, one: &Value) -> bool {
        match self {
            Self::Expression(_) => {
                let value = one["value"][1].as_str().and_then(|text| text.parse::<f64>().ok());
                value.is_some_and(f64::is_finite)
            }
            Self::Values { .. } => one.as_str().is_some_and(|value| !value.is_empty()),
        }
    }
}

/// As it is written in a query (RFC 3986, section 2.1)
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(byte.into());
            }
            _ => _ = write!(escaped, "%{byte:02X}"),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values() -> Question {
        Question::Values { metric: "open".into(), label: "job".into() }
    }

    #[test]
    fn questions_are_those_of_all_panels_and_variables_as_grafana_would_ask() {
        let target = |expr: &str| json!({ "expr": expr });
        let asked = target(r#"rate(a{job=~"$job"}[$__rate_interval])"#);
        let panels = json!([{ "targets": [asked, target("b")] }, {}, { "targets": [target("c")] }]);
        let source = json!({ "type": "datasource", "query": "prometheus" });
        let variable =
            |query: &str| json!([source, { "type": "query", "query": { "query": query } }]);
        let dashboard =
            |query: &str| json!({ "panels": panels, "templating": { "list": variable(query) } });
        let found = all(&dashboard("label_values(open, job)")).unwrap();
        let expressions = [r#"rate(a{job=~".+"}[15s])"#, "b", "c"];
        let expressions = expressions.map(|text| Question::Expression(text.into()));
        assert_eq!(found[..3], expressions);
        assert_eq!(found[3..], [values()]);
        assert!(all(&dashboard("metrics(open)")).is_err(), "what is not known is not passed over");
        assert!(all(&json!({ "panels": [] })).is_err());
    }

    #[test]
    fn no_number_is_no_data() {
        let expression = Question::Expression("a".into());
        let answer = |values: &[&str]| {
            let all = values.iter().map(|value| json!({ "value": [1.5, value] }));
            json!({ "status": "success", "data": { "result": all.collect::<Vec<_>>() } })
        };
        assert_eq!(expression.count(&answer(&["0", "NaN", "1.5", "+Inf"])).unwrap(), 2);
        assert_eq!(expression.count(&answer(&[])).unwrap(), 0);
        assert!(expression.count(&json!({ "status": "error" })).is_err());
    }

    #[test]
    fn no_value_is_no_choice() {
        let answer = |data: Value| json!({ "status": "success", "data": data });
        assert_eq!(values().count(&answer(json!(["everbeat", ""]))).unwrap(), 1);
        assert_eq!(values().count(&answer(json!([]))).unwrap(), 0);
        assert!(values().count(&answer(json!({ "result": [] }))).is_err());
    }

    #[test]
    fn a_query_is_escaped() {
        let expression = Question::Expression("a{b=~\".+\"}[1s]".into());
        assert_eq!(expression.path(), "/api/v1/query?query=a%7Bb%3D~%22.%2B%22%7D%5B1s%5D");
        assert_eq!(values().path(), "/api/v1/label/job/values?match%5B%5D=open");
    }
}
