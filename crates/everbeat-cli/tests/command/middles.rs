//! The lines that `doctor` recommends, in the programs that they are for: nginx and HAProxy take them
//! without a warning, and a silence that each cut before is then let be. Where there is no such program
//! it says so; those that `cargo xtask interop` has unpacked are found.

use std::env::consts::ARCH;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use everbeat_netns::skipped;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Duration, sleep, timeout};

use crate::support::{SOON, Scratch, echo_as, everbeat, url};

/// A program of this machine's, or one of Debian's that was unpacked below the target folder
fn program(name: &str) -> Option<Command> {
    let unpacked =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("interop/debian").join(name);
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let usual = [PathBuf::from("/usr/sbin"), unpacked.join("usr/sbin")];
    let found = folders.into_iter().chain(usual).map(|folder| folder.join(name));
    let mut command = Command::new(found.into_iter().find(|file| file.is_file())?);
    command.env("LD_LIBRARY_PATH", unpacked.join(format!("usr/lib/{ARCH}-linux-gnu")));
    command.stdin(Stdio::null()).kill_on_drop(true);
    Some(command)
}

/// A port that was free a moment ago
async fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Runs it until it can be reached
async fn stands(mut command: Command, port: u16) -> (Child, SocketAddr) {
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let reached = async {
        while TcpStream::connect(address).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, reached).await.expect("it listens");
    (child, address)
}

/// What doctor says of the road through an address
async fn examined(address: SocketAddr) -> Value {
    let asked = ["--json", "doctor", "--polite", "--no-messages", "--budget", "5s"];
    everbeat(&[&asked[..], &[&url(address)]].concat()).await.event("diagnosis")
}

/// The lines for a program, as a configuration has them
fn lines(told: &Value, of: &str) -> String {
    let block = told["advice"].as_array().unwrap().iter().find(|block| block["of"] == of).unwrap();
    let lines = block["lines"].as_array().unwrap().iter();
    lines.map(|line| format!("{}\n", line.as_str().unwrap())).collect()
}

fn idle(told: &Value) -> &Value {
    &told["findings"]["idle"]["value"]
}

/// A check of a configuration: that it is valid, and nothing else is said
async fn is_taken(mut check: Command) {
    let output = timeout(SOON, check.output()).await.unwrap().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(!said.to_lowercase().contains("warn"), "{said}");
}

async fn quiet() -> SocketAddr {
    echo_as(|builder| builder.interval(Duration::from_secs(3_600))).await
}

#[tokio::test]
async fn haproxy_takes_its_lines_and_then_lets_a_silence_be() {
    if program("haproxy").is_none() {
        skipped("haproxy_takes_its_lines_and_then_lets_a_silence_be", "there is no haproxy");
        return;
    }
    let haproxy = || program("haproxy").unwrap();
    let server = quiet().await;
    let configuration = |lines: &str, port: u16| {
        format!(
            "defaults\n    mode http\n    timeout connect 5s\n    timeout client 2s\n    timeout \
             server 3s\n{lines}frontend door\n    bind 127.0.0.1:{port}\n    default_backend \
             house\nbackend house\n    server one {server}\n"
        )
    };
    let port = free().await;
    let before = Scratch::with("before.haproxy", &configuration("", port));
    let mut command = haproxy();
    command.args(["-db", "-q", "-f", before.path()]);
    let (_child, address) = stands(command, port).await;
    let told = examined(address).await;
    let after = idle(&told)["after_s"].as_f64();
    // The shorter of the two, as the lines' reason has it
    assert!(after.is_some_and(|after| (1.7..2.9).contains(&after)), "{told:#}");

    let port = free().await;
    let lines = lines(&told, "HAProxy");
    let advised = Scratch::with("advised.haproxy", &configuration(&lines, port));
    let mut check = haproxy();
    check.args(["-c", "-f", advised.path()]);
    is_taken(check).await;
    let mut command = haproxy();
    command.args(["-db", "-q", "-f", advised.path()]);
    let (_child, address) = stands(command, port).await;
    let told = examined(address).await;
    assert_eq!(idle(&told)["cuts"], false, "{told:#}");
}

#[tokio::test]
async fn nginx_takes_its_lines_and_then_lets_a_silence_be() {
    if program("nginx").is_none() {
        skipped("nginx_takes_its_lines_and_then_lets_a_silence_be", "there is no nginx");
        return;
    }
    let nginx = || {
        let mut command = program("nginx").unwrap();
        command.args(["-p", env!("CARGO_TARGET_TMPDIR"), "-e", "stderr"]);
        command
    };
    let server = quiet().await;
    let configuration = |lines: &str, port: u16| {
        let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let folders = folders.map(|name| format!("{name}_temp_path nginx-{name};\n")).concat();
        format!(
            "daemon off; master_process off; pid nginx-{port}.pid; error_log stderr;\nevents {{}}\n\
             http {{ access_log off; {folders} proxy_read_timeout 3s;\nserver {{ listen \
             127.0.0.1:{port};\nlocation / {{ proxy_pass http://{server};\n{lines}}} }} }}\n"
        )
    };
    // Without a limit's line it cuts; without the others there is no upgrade, and nothing to try.
    let upgrade = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
                   proxy_set_header Connection upgrade;\n";
    let port = free().await;
    let before = Scratch::with("before.nginx", &configuration(upgrade, port));
    let mut command = nginx();
    command.args(["-c", before.path()]);
    let (_child, address) = stands(command, port).await;
    let told = examined(address).await;
    // No limit of the doctor's own ladder, at which a silence would end in two ways at once
    let after = idle(&told)["after_s"].as_f64();
    assert!(after.is_some_and(|after| (2.7..4.5).contains(&after)), "{told:#}");

    let port = free().await;
    let lines = lines(&told, "nginx");
    let advised = Scratch::with("advised.nginx", &configuration(&lines, port));
    let mut check = nginx();
    check.args(["-t", "-c", advised.path()]);
    is_taken(check).await;
    let mut command = nginx();
    command.args(["-c", advised.path()]);
    let (_child, address) = stands(command, port).await;
    let told = examined(address).await;
    assert_eq!(idle(&told)["cuts"], false, "{told:#}");
}
