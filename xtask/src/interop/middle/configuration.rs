//! How nginx and HAProxy are told to stand between a port and a server. Pure.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// How long Debian's configuration of HAProxy lets a connection be idle
pub(super) const HAPROXYS: Duration = Duration::from_secs(50);

/// What it is to do
#[derive(Debug)]
pub(in crate::interop) struct Job<'a> {
    /// Where connections go
    pub(in crate::interop) server: &'a str,
    /// After how long without a byte it ends one; its own default without
    pub(in crate::interop) limit: Option<Duration>,
    /// The folder with `cert.pem` and `key.pem`, if it is to end TLS
    pub(in crate::interop) tls: Option<&'a Path>,
    /// What it refuses by itself: paths, and what it does to them, as lines of its configuration
    pub(in crate::interop) refuses: &'a str,
}

/// As its documentation has it for WebSockets
pub(super) fn nginx(job: &Job<'_>, port: u16) -> String {
    let limit = job.limit.map_or_else(String::new, |limit| {
        format!("proxy_read_timeout {0}s; proxy_send_timeout {0}s;", limit.as_secs())
    });
    let (ssl, certificate) = match job.tls {
        None => ("", String::new()),
        Some(folder) => {
            let pem = |file| folder.join(file).display().to_string();
            let (cert, key) = (pem("cert.pem"), pem("key.pem"));
            (" ssl", format!("ssl_certificate {cert}; ssl_certificate_key {key};"))
        }
    };
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = folders.map(|name| format!("    {name}_temp_path {name};\n")).concat();
    format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr error;\n\
         events {{}}\nhttp {{\n    access_log off;\n{folders}    server {{\n\
         \x20       listen 127.0.0.1:{port}{ssl}; {certificate}\n{refuses}\
         \x20       location / {{\n            proxy_pass http://{server};\n\
         \x20           proxy_http_version 1.1; {limit}\n\
         \x20           proxy_set_header Upgrade $http_upgrade;\n\
         \x20           proxy_set_header Connection \"upgrade\";\n        }}\n    }}\n}}\n",
        refuses = job.refuses,
        server = job.server,
    )
}

pub(super) fn haproxy(job: &Job<'_>, port: u16) -> String {
    let mut limits = String::new();
    for side in ["client", "server"] {
        let limit = job.limit.unwrap_or(HAPROXYS).as_secs();
        // Nothing that is written into a string fails.
        _ = writeln!(limits, "    timeout {side} {limit}s");
    }
    format!(
        "defaults\n    mode http\n    timeout connect 5s\n{limits}\
         frontend door\n    bind 127.0.0.1:{port}\n    default_backend house\n\
         backend house\n    server one {}\n",
        job.server
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_said_and_a_default_is_not() {
        let five = Some(Duration::from_secs(5));
        let job = |limit| Job { server: "127.0.0.1:7", limit, tls: None, refuses: "" };
        assert!(nginx(&job(five), 8).contains("proxy_read_timeout 5s;"));
        assert!(!nginx(&job(None), 8).contains("timeout"), "its own default is what is tried");
        assert!(haproxy(&job(five), 8).contains("timeout client 5s\n    timeout server 5s\n"));
        assert!(haproxy(&job(None), 8).contains("timeout client 50s"), "as Debian's has it");
        for text in [nginx(&job(None), 8), haproxy(&job(None), 8)] {
            assert!(text.contains("127.0.0.1:7") && text.contains("127.0.0.1:8"), "{text}");
        }
    }

    #[test]
    fn tls_ends_where_there_are_certificates() {
        let tls = Some(Path::new("there"));
        let text = nginx(&Job { server: "127.0.0.1:7", limit: None, tls, refuses: "" }, 8);
        assert!(text.contains("listen 127.0.0.1:8 ssl; ssl_certificate there/cert.pem;"), "{text}");
    }
}
