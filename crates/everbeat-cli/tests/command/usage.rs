//! What every subcommand shares: exit codes, help, completions, the manual page, colours.

#[cfg(target_os = "linux")]
use std::process::Stdio;

#[cfg(target_os = "linux")]
use tokio::time::timeout;

#[cfg(target_os = "linux")]
use crate::support::{SOON, command};
use crate::support::{echo, everbeat, url};

#[tokio::test]
async fn what_cannot_be_is_a_2_and_says_what() {
    let open = ["proxy", "127.0.0.1:0", "127.0.0.1:1", "--control", "0.0.0.0:0"];
    let cases: [(&[&str], &str); 12] = [
        (&[], "Usage"),
        (&["ping"], "URL"),
        (&["ping", "http://a/"], "must be ws"),
        (&["ping", "-i", "1ms", "ws://a/"], "10ms is the least"),
        (&["ping", "--ca", "/nowhere.pem", "wss://a/"], "/nowhere.pem"),
        (&["connect", "--idle-limit", "1ms", "ws://a/"], "idle_limit"),
        (&["doctor", "--budget", "1s", "ws://a/"], "2s is the least"),
        (&["proxy", "127.0.0.1:0", "127.0.0.1:1", "--at", "5s explode"], "no fault"),
        (&open, "--control-anywhere"),
        (&["proxy", "127.0.0.1:0", "no port"], "no port"),
        (&["serve", "no port"], "no port"),
        (&["serve", "--metrics", "no port"], "no port"),
    ];
    for (args, words) in cases {
        let done = everbeat(args).await;
        assert_eq!(done.code, Some(2), "{args:?}: {done:?}");
        assert!(done.err.contains(words), "{args:?}: {done:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_a_3() {
    for command in ["ping", "doctor", "connect"] {
        // A port that was free a moment ago, and that nobody was given since
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let done = everbeat(&[command, &url(free)]).await;
        assert_eq!(done.code, Some(3), "{done:?}");
        assert!(done.err.contains("no connection") && done.err.contains("refused"), "{done:?}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_a_5() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let serve = ["serve", &at];
    let proxy = ["proxy", &at, "127.0.0.1:1"];
    let control = ["proxy", "127.0.0.1:0", "127.0.0.1:1", "--control", &at];
    let metrics = ["serve", "127.0.0.1:0", "--metrics", &at];
    for args in [&serve[..], &proxy, &control, &metrics] {
        let done = everbeat(args).await;
        assert_eq!(done.code, Some(5), "{args:?}: {done:?}");
        assert!(done.err.contains(&format!("{at}: ")), "{args:?}: {done:?}");
    }
}

#[tokio::test]
async fn help_tells_the_exit_codes_and_hides_what_is_for_packagers() {
    let done = everbeat(&["--help"]).await;
    assert_eq!(done.code, Some(0));
    assert!(done.out.contains("3  no connection was made"), "{}", done.out);
    for shown in ["ping", "doctor", "connect", "serve", "proxy"] {
        assert!(done.out.contains(&format!("\n  {shown} ")), "{}", done.out);
    }
    assert!(!done.out.contains("completions"), "{}", done.out);
}

#[tokio::test]
async fn completions_and_the_manual_page_know_every_subcommand() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = everbeat(&["completions", shell]).await;
        assert_eq!(done.code, Some(0));
        assert!(done.out.contains("doctor") && done.out.contains("detect-within"), "{shell}");
    }
    let done = everbeat(&["man"]).await;
    assert_eq!(done.code, Some(0));
    assert!(done.out.contains(".TH everbeat"), "{}", done.out);
    for section in ["PING", "DOCTOR", "CONNECT", "SERVE", "PROXY"] {
        assert!(done.out.contains(&format!(".SH \"EVERBEAT {section}\"")), "{section}");
    }
    for none in ["COMPLETIONS", "HELP"] {
        assert!(!done.out.contains(&format!("EVERBEAT {none}")), "{none}");
    }
    // What is below a subcommand's options in its help
    assert!(done.out.contains("bytes vanish, and sockets stay open"), "{}", done.out);
}

#[tokio::test]
async fn there_are_no_colours_elsewhere_but_on_demand() {
    let url = url(echo().await);
    let plain = everbeat(&["ping", "-c", "1", &url]).await;
    assert!(!plain.out.contains('\u{1b}'), "{plain:?}");
    let always = everbeat(&["ping", "-c", "1", "--color", "always", &url]).await;
    assert!(always.out.contains('\u{1b}'), "{always:?}");
}

/// What it writes to a terminal: a pseudo-terminal's own end is its stdout
#[cfg(target_os = "linux")]
async fn on_a_terminal(args: &[&str], environment: Option<(&str, &str)>) -> String {
    use std::io::Read;

    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let terminal = ioctl_tiocgptpeer(&ours, flags).unwrap();
    let mut command = command(args);
    command.stdout(terminal).stderr(Stdio::null()).env("TERM", "xterm");
    command.envs(environment);
    let mut child = command.spawn().unwrap();
    // It holds the terminal open, whose end is then never read.
    drop(command);
    let reading = tokio::task::spawn_blocking(move || {
        let mut said = Vec::new();
        // The end of a terminal that nobody has open any more is an error on Linux.
        _ = std::fs::File::from(ours).read_to_end(&mut said);
        String::from_utf8(said).unwrap()
    });
    let status = timeout(SOON, child.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0), "{args:?}");
    timeout(SOON, reading).await.expect("its terminal ends").unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn there_are_colours_on_a_terminal_unless_somebody_minds() {
    let url = url(echo().await);
    let ping = ["ping", "-c", "1", &url];
    let auto = [&ping[..], &["--color", "auto"]].concat();
    let never = [&ping[..], &["--color", "never"]].concat();
    let cases = [
        (&ping[..], None, true),
        (&auto, None, true),
        (&never, None, false),
        (&auto, Some(("NO_COLOR", "1")), false),
        // As <https://no-color.org> has it: an empty one is none
        (&auto, Some(("NO_COLOR", "")), true),
        (&auto, Some(("TERM", "dumb")), false),
    ];
    for (args, environment, colored) in cases {
        let said = on_a_terminal(args, environment).await;
        assert!(said.contains("1 answered"), "{said:?}");
        assert_eq!(said.contains('\u{1b}'), colored, "{args:?} {environment:?}: {said:?}");
    }
}
