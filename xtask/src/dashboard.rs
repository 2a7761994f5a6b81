//! `cargo xtask dashboard`: Debian's Prometheus scrapes the example `observed` while peers die, and is
//! asked each expression of the dashboard for Grafana, of which each must return data.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::args::Args;
use crate::ci::Outcome;
use crate::debian;
use crate::program::Program;
use crate::report::Report;
use crate::shell::{Shell, YELLOW, paint};

const DASHBOARD: &str = "docs/grafana/everbeat.json";

/// What Grafana puts in for its own variables
const VARIABLES: &[(&str, &str)] = &[("$__rate_interval", "15s"), ("$job", ".+")];

/// How long the example goes on: longer than all of the below together
const SECONDS: &str = "120";
/// Within this each expression is to have returned data once
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two times that it is asked
const LOOK: Duration = Duration::from_millis(500);
/// How long Prometheus has for one answer
const ANSWER: Duration = Duration::from_secs(10);

pub(crate) fn run(shell: &Shell, args: Args) -> Result<ExitCode> {
    args.finish()?;
    let prometheus = match find(shell) {
        Ok(prometheus) => prometheus,
        Err(why) => {
            eprintln!("{} {why:#}", paint(YELLOW, "SKIPPED:"));
            return Ok(ExitCode::from(2));
        }
    };
    let expressions = ask_all(shell, &prometheus)?;
    let mut report = Report::new("dashboard");
    for (expression, series) in &expressions {
        report.row(expression, *series as f64, "series", Some(1.0), *series > 0);
    }
    Ok(report.finish(shell))
}

/// For the CI: skipped where there is no Prometheus to be had
pub(crate) fn holds(shell: &Shell) -> Result<Outcome> {
    let prometheus = match find(shell) {
        Ok(prometheus) => prometheus,
        Err(why) => return Ok(Outcome::Skipped(format!("{why:#}"))),
    };
    let empty = ask_all(shell, &prometheus)?.into_iter().filter(|(_, series)| *series == 0);
    let empty = empty.map(|(expression, _)| expression).collect::<Vec<_>>();
    ensure!(empty.is_empty(), "no data for:\n{}", empty.join("\n"));
    Ok(Outcome::Passed)
}

/// That of this machine, or else Debian's, unpacked into a folder of ours
fn find(shell: &Shell) -> Result<PathBuf> {
    let root = shell.target("prometheus").join("debian");
    let unpacked = root.join("usr/bin/prometheus");
    if let Some(found) = ["prometheus".into(), unpacked.clone()].into_iter().find(runs) {
        return Ok(found);
    }
    eprintln!("unpacking Debian's prometheus ..");
    debian::unpack(shell, &root, &["prometheus".to_owned()])
        .context("there is no prometheus, and Debian's is not to be had")?;
    ensure!(runs(&unpacked), "Debian's prometheus does not run here");
    Ok(unpacked)
}

fn runs(program: &PathBuf) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Each expression, and of how many series there was data
fn ask_all(shell: &Shell, prometheus: &Path) -> Result<Vec<(String, usize)>> {
    let dashboard = fs::read_to_string(shell.root().join(DASHBOARD)).context(DASHBOARD)?;
    let expressions = expressions(&serde_json::from_str(&dashboard).context(DASHBOARD)?);
    ensure!(!expressions.is_empty(), "{DASHBOARD} asks for nothing");

    shell.run(&mut shell.cargo("build --quiet --package everbeat-examples --example observed"))?;
    let mut command = shell.program(shell.target("debug/examples/observed"));
    command.args(["127.0.0.1:0", "--seconds", SECONDS]);
    let mut observed = Program::start(command)?;
    let page = observed.says("metrics at http://")?;
    let target = page.strip_suffix("/metrics").context("the example's address")?;

    let folder = shell.target("prometheus").join("run");
    let server = Server::start(prometheus, &folder, target)?;
    let begun = Instant::now();
    let mut answers = expressions.into_iter().map(|it| (it, 0)).collect::<Vec<_>>();
    while begun.elapsed() < PATIENCE && answers.iter().any(|(_, series)| *series == 0) {
        sleep(LOOK);
        for (expression, series) in answers.iter_mut().filter(|(_, series)| *series == 0) {
            *series = server.ask(expression)?;
        }
    }
    for (expression, series) in &answers {
        eprintln!("{series:>4} series  {expression}");
    }
    eprintln!("{} expressions, after {:.0?}", answers.len(), begun.elapsed());
    Ok(answers)
}

/// All expressions of a dashboard, with Grafana's variables put in
fn expressions(dashboard: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let targets = list(&dashboard["panels"]).into_iter().flat_map(|panel| list(&panel["targets"]));
    let expressions = targets.filter_map(|target| Some(target["expr"].as_str()?.to_owned()));
    expressions
        .map(|text| VARIABLES.iter().fold(text, |text, (name, value)| text.replace(name, value)))
        .collect()
}

/// A Prometheus of ours
struct Server {
    _process: Program,
    address: SocketAddr,
}

impl Server {
    fn start(prometheus: &Path, folder: &Path, target: &str) -> Result<Self> {
        // What an earlier run has stored would be an answer, too.
        _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let file = folder.join("prometheus.yml");
        fs::write(&file, configuration(target))?;
        // It cannot tell which port the system has chosen, so that we ask for one and let go of it.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new(prometheus);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .current_dir(folder);
        let server = Self { _process: Program::start(command)?, address };
        let begun = Instant::now();
        while server.get("/-/ready").is_err() {
            ensure!(begun.elapsed() < PATIENCE, "prometheus is not ready");
            sleep(LOOK);
        }
        Ok(server)
    }

    /// For how many series an expression has a number now
    fn ask(&self, expression: &str) -> Result<usize> {
        let body = self.get(&format!("/api/v1/query?query={}", escaped(expression)));
        let body = body.with_context(|| expression.to_owned())?;
        series(&serde_json::from_str(&body)?)
    }

    /// What is behind the head of an answer
    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(ANSWER))?;
        // By 1.0 the body is neither chunked nor followed by anything.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("it speaks no HTTP")?;
        if !head.lines().next().is_some_and(|line| line.contains(" 200 ")) {
            bail!("{}: {body}", head.lines().next().unwrap_or_default());
        }
        Ok(body.to_owned())
    }
}

fn configuration(target: &str) -> String {
    format!(
        "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n  \
         - job_name: everbeat\n    static_configs:\n      - targets: ['{target}']\n"
    )
}

/// How many series of an answer have a number; one that is none, as 0 / 0, is no data
fn series(answer: &Value) -> Result<usize> {
    ensure!(answer["status"] == "success", "{answer}");
    let series = answer["data"]["result"].as_array().context("it answers otherwise")?;
    let number = |one: &&Value| {
        let value = one["value"][1].as_str().and_then(|text| text.parse::<f64>().ok());
        value.is_some_and(f64::is_finite)
    };
    Ok(series.iter().filter(number).count())
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

    #[test]
    fn expressions_are_those_of_all_panels_as_grafana_would_ask() {
        let target = |expr: &str| json!({ "expr": expr });
        let asked = target(r#"rate(a{job=~"$job"}[$__rate_interval])"#);
        let panels = json!([{ "targets": [asked, target("b")] }, {}, { "targets": [target("c")] }]);
        let found = expressions(&json!({ "panels": panels }));
        assert_eq!(found, [r#"rate(a{job=~".+"}[15s])"#, "b", "c"]);
    }

    #[test]
    fn no_number_is_no_data() {
        let answer = |values: &[&str]| {
            let all = values.iter().map(|value| json!({ "value": [1.5, value] }));
            json!({ "status": "success", "data": { "result": all.collect::<Vec<_>>() } })
        };
        assert_eq!(series(&answer(&["0", "NaN", "1.5", "+Inf"])).unwrap(), 2);
        assert_eq!(series(&answer(&[])).unwrap(), 0);
        assert!(series(&json!({ "status": "error" })).is_err());
    }

    #[test]
    fn a_query_is_escaped() {
        assert_eq!(escaped("a{b=~\".+\"}[1s]"), "a%7Bb%3D~%22.%2B%22%7D%5B1s%5D");
    }
}
