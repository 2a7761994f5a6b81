//! The command line.

use std::time::Duration;

pub(crate) const USAGE: &str = "\
usage: everbeat-peers LIBRARY [--beat MS] [--connections N] [--buffer BYTES]";

#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) library: String,
    pub(crate) beat: Option<Duration>,
    pub(crate) connections: u64,
    /// Of what is read and written, where the library's default is another
    pub(crate) buffer: Option<usize>,
}

pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Args, String> {
    let mut words = words.into_iter();
    let library = words.next().ok_or("no library is named")?;
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
