//! Where to and how: the arguments of every subcommand that dials.

use std::path::PathBuf;
use std::time::Duration;

use everbeat_tokio::Request;

use crate::exit::Failure;
use crate::header::{self, Asked, Stdin};
use crate::span;

/// Which addresses of a name are dialled
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Family {
    #[default]
    Any,
    V4,
    V6,
}

/// A server, and what it is told
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Target {
    /// Where to: ws://host:port/path, or wss://
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// A header of the request, or, as @FILE, a file with one a line, and as @- stdin: what is on a
    /// command line can be read by everybody on the machine; repeat it for more
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header::parse)]
    asked: Vec<Asked>,

    /// The headers themselves, once they are read
    #[arg(skip)]
    pub(crate) headers: Vec<(String, String)>,

    /// A subprotocol to ask for, the preferred one first; repeat it for more
    #[arg(short, long = "subprotocol", value_name = "NAME")]
    pub(crate) subprotocols: Vec<String>,

    /// Trust the root certificates in this PEM file, and no others
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Show this certificate to a server that asks for one (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,

    /// Dial IPv4 addresses only
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    ipv4: bool,

    /// Dial IPv6 addresses only
    #[arg(short = '6', long)]
    ipv6: bool,

    /// How long an attempt may take, from the name to the upgrade
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = span::parse)]
    pub(crate) connect_timeout: Duration,
}

impl Target {
    /// Reads the headers, from wherever they are: before anything else is done with the target
    pub(crate) fn read_headers(&mut self, stdin: Stdin) -> Result<(), Failure> {
        self.headers = header::read(&self.asked, stdin)?;
        Ok(())
    }

    pub(crate) const fn family(&self) -> Family {
        match (self.ipv4, self.ipv6) {
            (true, _) => Family::V4,
            (false, true) => Family::V6,
            (false, false) => Family::Any,
        }
    }

    /// The URL as it is shown: without its query, where tokens are put, for what is shown goes into
    /// logs and reports
    pub(crate) fn shown(&self) -> String {
        match self.url.split_once('?') {
            Some((before, _)) => format!("{before}?.."),
            None => self.url.clone(),
        }
    }

    /// The request; what is wrong with it is told before anybody is dialled
    pub(crate) fn request(&self) -> Result<Request, Failure> {
        let mut request = Request::to(&*self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for name in &self.subprotocols {
            request = request.subprotocol(name);
        }
        request.build().map_err(|error| Failure::usage(&*error))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        target: Target,
    }

    fn target(args: &[&str]) -> Result<Target, clap::Error> {
        let mut target = Line::try_parse_from([&["x"], args].concat())?.target;
        target.read_headers(Stdin::Unused).unwrap();
        Ok(target)
    }

    #[test]
    fn a_target_is_read_whole() {
        let args = ["-4", "-H", "Authorization: Bearer a:b", "-s", "chat", "ws://a/"];
        let target = target(&args).unwrap();
        assert_eq!(target.family(), Family::V4);
        assert_eq!(target.headers, [("Authorization".to_owned(), "Bearer a:b".to_owned())]);
        assert!(target.request().is_ok());
    }

    #[test]
    fn what_is_behind_the_question_mark_is_not_shown() {
        let shown = |url| target(&[url]).unwrap().shown();
        assert_eq!(shown("wss://a:7/feed?token=s3cret?"), "wss://a:7/feed?..");
        assert_eq!(shown("ws://a/"), "ws://a/");
    }

    #[test]
    fn what_cannot_be_is_named() {
        assert!(target(&["-4", "-6", "ws://a/"]).is_err());
        assert!(target(&["-H", "no colon", "ws://a/"]).is_err());
        assert!(target(&["--cert", "a.pem", "ws://a/"]).is_err());
        let failure = target(&["-H", "Upgrade: x", "ws://a/"]).unwrap().request().unwrap_err();
        assert!(failure.to_string().contains("belongs to the upgrade itself"), "{failure}");
    }
}
