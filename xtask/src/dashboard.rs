//! `cargo xtask dashboard`: Debian's Prometheus scrapes the example `observed` while peers die, and is
//! asked whatever the dashboard for Grafana asks: each expression of its panels, and the values of its
//! variables. All must return data.

mod question;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use self::question::Question;
use crate::args::Args;
use crate::ci::Outcome;
use crate::debian;
use crate::port::Port;
use crate::program::Program;
use crate::report::Report;
use crate::shell::{Shell, YELLOW, paint};

const DASHBOARD: &str = "docs/grafana/everbeat.json";

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
    let answers = ask_all(shell, &prometheus)?;
    let mut report = Report::new("dashboard");
    for (question, found) in &answers {
        report.row(question.text(), *found as f64, question.unit(), Some(1.0), *found > 0);
    }
    Ok(report.finish(shell))
}

/// For the CI: skipped where there is no Prometheus to be had
pub(crate) fn holds(shell: &Shell) -> Result<Outcome> {
    let prometheus = match find(shell) {
        Ok(prometheus) => prometheus,
        Err(why) => return Ok(Outcome::Skipped(format!("{why:#}"))),
    };
    let empty = ask_all(shell, &prometheus)?.into_iter().filter(|(_, found)| *found == 0);
    let empty = empty.map(|(question, _)| question.text()).collect::<Vec<_>>();
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

/// Each question, and of how much there was data
fn ask_all(shell: &Shell, prometheus: &Path) -> Result<Vec<(Question, usize)>> {
    let dashboard = fs::read_to_string(shell.root().join(DASHBOARD)).context(DASHBOARD)?;
    let dashboard = serde_json::from_str(&dashboard).context(DASHBOARD)?;
    let questions = question::all(&dashboard).context(DASHBOARD)?;

    shell.run(&mut shell.cargo("build --quiet --package everbeat-examples --example observed"))?;
    let mut command = shell.program(shell.target("debug/examples/observed"));
    command.args(["127.0.0.1:0", "--seconds", SECONDS]);
    let mut observed = Program::start(command)?;
    let page = observed.says("metrics at http://")?;
    let target = page.strip_suffix("/metrics").context("the example's address")?;

    let folder = shell.target("prometheus").join("run");
    let server = Server::start(prometheus, &folder, target)?;
    let begun = Instant::now();
    let mut answers = questions.into_iter().map(|it| (it, 0)).collect::<Vec<_>>();
    while begun.elapsed() < PATIENCE && answers.iter().any(|(_, found)| *found == 0) {
        sleep(LOOK);
        for (question, found) in answers.iter_mut().filter(|(_, found)| *found == 0) {
            *found = server.ask(question)?;
        }
    }
    for (question, found) in &answers {
        eprintln!("{found:>4} {}  {}", question.unit(), question.text());
    }
    eprintln!("{} questions, after {:.0?}", answers.len(), begun.elapsed());
    Ok(answers)
}

/// A Prometheus of ours
struct Server {
    _process: Program,
    port: Port,
}

impl Server {
    fn start(prometheus: &Path, folder: &Path, target: &str) -> Result<Self> {
        // What an earlier run has stored would be an answer, too.
        _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let file = folder.join("prometheus.yml");
        fs::write(&file, configuration(target))?;
        let port = Port::reserve()?;
        let mut command = Command::new(prometheus);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={}", port.address))
            .arg("--log.level=error")
            .current_dir(folder);
        let server = Self { _process: Program::start(command)?, port };
        let begun = Instant::now();
        while server.get("/-/ready").is_err() {
            ensure!(begun.elapsed() < PATIENCE, "prometheus is not ready");
            sleep(LOOK);
        }
        Ok(server)
    }

    /// Of how much there is data now
    fn ask(&self, question: &Question) -> Result<usize> {
        let body = self.get(&question.path()).with_context(|| question.text())?;
        question.count(&serde_json::from_str(&body)?).with_context(|| question.text())
    }

    /// What is behind the head of an answer
    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.port.address)?;
        stream.set_read_timeout(Some(ANSWER))?;
        // By 1.0 the body is neither chunked nor followed by anything.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.port.address)?;
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
