//! `-H` from a file and from stdin, of every subcommand that dials.

use everbeat_tokio::Server;
use everbeat_tokio::server::{Reject, Upgrade};

use crate::support::{Scratch, everbeat, everbeat_with, url};

/// The URL of a server that lets in only who knows both
async fn guarded() -> String {
    let server = Server::builder()
        .upgrade(|request| async move {
            match (request.header("Authorization"), request.header("X-Two")) {
                (Some("Bearer s3cret"), Some("2")) => Ok::<_, Reject>(Upgrade::accept(())),
                _ => Err(Reject::status(401)),
            }
        })
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let url = url(server.acceptor().local_address().unwrap());
    tokio::spawn(server.serve(|mut connection| async move {
        while connection.recv().await?.is_some() {}
        Ok(())
    }));
    url
}

const BOTH: &str = "Authorization: Bearer s3cret\n\nX-Two: 2\n";

#[tokio::test]
async fn they_come_out_of_a_file_beside_those_of_the_command_line() {
    let url = guarded().await;
    let file = Scratch::with("both.headers", BOTH);
    let one = Scratch::with("one.headers", "Authorization: Bearer s3cret\n");
    let (both, one) = (file.at(), one.at());
    for command in
        [&["ping", "-c", "1"][..], &["doctor", "--budget", "2s", "--polite"], &["connect"]]
    {
        let done = everbeat(&[command, &["-H", &both, &url]].concat()).await;
        assert_eq!(done.code, Some(0), "{command:?}: {done:?}");
        let done = everbeat(&[command, &["-H", &one, "-H", "X-Two: 2", &url]].concat()).await;
        assert_eq!(done.code, Some(0), "{command:?}: {done:?}");
        let done = everbeat(&[command, &["-H", &one, &url]].concat()).await;
        assert!(done.code == Some(3) && done.err.contains("401"), "{command:?}: {done:?}");
    }
}

#[tokio::test]
async fn they_come_from_stdin_where_it_is_for_nothing_else() {
    let url = guarded().await;
    let done = everbeat_with(BOTH, &["ping", "-c", "1", "-H", "@-", &url]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let done = everbeat_with(BOTH, &["connect", "-H", "@-", &url]).await;
    assert!(done.code == Some(2) && done.err.contains("into a file"), "{done:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_is_a_2_and_its_secret_is_not_told() {
    let wrong = Scratch::with("wrong.headers", "Bearer s3cret\n");
    for (file, why) in [(&*wrong.at(), "line 1"), ("@/nowhere.headers", "/nowhere.headers: ")] {
        let done = everbeat(&["ping", "-H", file, "ws://127.0.0.1:1/"]).await;
        assert!(done.code == Some(2) && done.err.contains(why), "{done:?}");
        assert!(!done.err.contains("s3cret"), "{done:?}");
    }
}
