//! A program that does not end with its stdin, on a leash: a shell reads our pipe for it, and kills it
//! when that ends, so that nothing outlives us.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// Deaf to what a terminal sends to all of us, for it has something to finish
const SCRIPT: &str = r#"trap "" INT TERM HUP
"$@" &
read word
kill -KILL $!
wait"#;

/// A program that runs for as long as this lives
#[derive(Debug)]
pub(super) struct Leash(Child);

impl Leash {
    pub(super) fn start(command: &Command) -> Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        let child = shell.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        Ok(Self(child.context("`sh` cannot be started")?))
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Then it is gone, and so is its port.
        _ = self.0.wait();
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_on_a_leash_ends_with_it() {
        let file = std::env::temp_dir().join(format!("everbeat-leash-{}", std::process::id()));
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo $$ > \"$0.new\"; mv \"$0.new\" \"$0\"; exec sleep 600"])
            .arg(&file);
        let leash = Leash::start(&command).unwrap();
        let id = (0..1_000).find_map(|_| {
            sleep(Duration::from_millis(10));
            std::fs::read_to_string(&file).ok()
        });
        std::fs::remove_file(&file).unwrap();
        let process = format!("/proc/{}", id.unwrap().trim());
        assert!(std::path::Path::new(&process).exists());
        drop(leash);
        assert!(!std::path::Path::new(&process).exists());
    }
}
