//! The words after a command: flags are taken out, what is left is passed on or refused.

use anyhow::{Context, Result, bail};

use crate::runtimes::RUNTIMES;

/// Words of a command line that nobody has asked for yet
#[derive(Debug)]
pub(crate) struct Args(Vec<String>);

impl Args {
    pub(crate) fn new(words: &[String]) -> Self {
        Self(words.to_vec())
    }

    /// Takes `name` out and says whether it was there; words behind a `--` are not ours
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let ours = self.0.iter().position(|word| word == "--").unwrap_or(self.0.len());
        let found = self.0[..ours].iter().position(|word| word == name);
        if let Some(index) = found {
            self.0.remove(index);
        }
        found.is_some()
    }

    /// Takes `name` and the word behind it out
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>> {
        let Some(index) = self.0.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if index + 1 == self.0.len() {
            bail!("`{name}` is followed by nothing");
        }
        self.0.remove(index);
        Ok(Some(self.0.remove(index)))
    }

    /// Takes `name` and the number behind it out
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u64>> {
        let value = self.value(name)?;
        let number = value.map(|value| value.parse());
        number.transpose().with_context(|| format!("{name} takes a number"))
    }

    /// Takes `--runtime` and its name out; the first of all without
    pub(crate) fn runtime(&mut self) -> Result<&'static str> {
        let Some(name) = self.value("--runtime")? else { return Ok(RUNTIMES[0]) };
        let known = RUNTIMES.iter().copied().find(|known| *known == name);
        known.with_context(|| format!("no runtime is called `{name}`"))
    }

    /// What is left, for a program that understands it
    pub(crate) fn rest(self) -> Vec<String> {
        self.0
    }

    /// Refuses what is left
    pub(crate) fn finish(self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some(word) => bail!("`{word}` means nothing here; `cargo xtask help` says what does"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::new(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_flag_is_taken_once() {
        let mut args = args("wheel --quick");
        assert!(args.flag("--quick"));
        assert!(!args.flag("--quick"));
        assert_eq!(args.rest(), ["wheel"]);
    }

    #[test]
    fn a_value_is_the_word_behind_its_name() {
        let mut args = args("url --seconds 9 frames");
        assert_eq!(args.value("--seconds").unwrap().as_deref(), Some("9"));
        assert_eq!(args.value("--seconds").unwrap(), None);
        assert_eq!(args.rest(), ["url", "frames"]);
        assert!(Args::new(&["--seconds".into()]).value("--seconds").is_err());
    }

    #[test]
    fn a_number_and_a_runtime_are_read_or_refused_by_name() {
        let mut args = args("--seconds 9 --times x --runtime smol");
        assert_eq!(args.number("--seconds").unwrap(), Some(9));
        assert_eq!(args.number("--seconds").unwrap(), None);
        assert_eq!(args.number("--times").unwrap_err().to_string(), "--times takes a number");
        assert_eq!(args.runtime().unwrap(), "smol");
        assert_eq!(args.runtime().unwrap(), RUNTIMES[0]);
        let unknown = Args::new(&["--runtime".into(), "node".into()]).runtime().unwrap_err();
        assert_eq!(unknown.to_string(), "no runtime is called `node`");
    }

    #[test]
    fn words_behind_two_dashes_belong_to_somebody_else() {
        let mut args = args("-- --json");
        assert!(!args.flag("--json"));
        assert_eq!(args.rest(), ["--", "--json"]);
    }

    #[test]
    fn what_nobody_understands_is_refused() {
        assert!(args("").finish().is_ok());
        assert!(args("--loudly").finish().unwrap_err().to_string().contains("--loudly"));
    }
}
