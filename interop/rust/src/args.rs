//! The command line.

use std::time::Duration;

use crate::peer::{Options, Role};

pub(crate) const USAGE: &str = "\
usage: everbeat-peers LIBRARY [--beat MS] [--connections N] [--buffer BYTES]
       everbeat-peers LIBRARY server HOST:PORT | client URL  [--beat MS] [--timeout MS]
           [--fragment BYTES] [--cert FILE --key FILE] [--ca FILE]
       everbeat-peers CRATE version";

/// What is asked for
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// A server for benchmarks
    Bench(Args),
    /// A peer by this library
    Peer(String, Options),
    /// That of this crate
    Version(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) library: String,
    pub(crate) beat: Option<Duration>,
    pub(crate) connections: u64,
    /// Of what is read and written, where the library's default is another
    pub(crate) buffer: Option<usize>,
}

pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Wanted, String> {
    let mut words = words.into_iter().peekable();
    let library = words.next().ok_or("no library is named")?;
    let role = match words.peek().map(|word| &**word) {
        Some("version") => return Ok(Wanted::Version(library)),
        Some("server") => Role::Server,
        Some("client") => Role::Client,
        _ => return bench(library, words).map(Wanted::Bench),
    };
    let place = words.nth(1).ok_or("it is told no place")?;
    Ok(Wanted::Peer(library, Options::parse(role(place), words)?))
}

fn bench(library: String, mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args { library, beat: None, connections: 20_000, buffer: None };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` is followed by nothing"))?;
        let number = value.parse::<u64>().map_err(|_| format!("`{value}` is no number"))?;
        match word.as_str() {
            "--beat" => args.beat = Some(Duration::from_millis(number)),
            "--connections" => args.connections = number,
            "--buffer" => args.buffer = Some(number as usize),
            _ => return Err(format!("`{word}` is not an option")),
        }
    }
    Ok(args)
}
