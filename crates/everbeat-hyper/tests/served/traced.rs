//! A handler runs in the span of its request.

use everbeat_hyper::Sockets;
use tokio::io::AsyncReadExt;
use tracing::Instrument;
use tracing::subscriber::set_default;

use crate::peer::{Peer, ask, masked, soon};
use crate::spans::{ALL, Listener, request, talk};
use crate::support::{By, serve};

// One thread, so that its subscriber sees all of it
#[tokio::test(flavor = "current_thread")]
async fn what_a_handler_says_is_said_in_the_span_of_its_request() {
    let listener = Listener::default();
    let said = listener.said.clone();
    let _listening = set_default(listener);
    let sockets = Sockets::new().unwrap();
    let address = serve(By::Hyper, move |mut asked, _| {
        let sockets = sockets.clone();
        async move { sockets.accept(&mut asked, talk).await }.instrument(request())
    })
    .await;
    let (mut peer, _) = Peer::asked(address, &ask("/", "")).await;
    peer.frame().await;
    peer.say(&masked(0x81, b"hello")).await;
    // It has returned, and its connection is gone with it
    assert!(soon(peer.0.read_u8()).await.is_err());
    assert_eq!(*said.lock().unwrap(), ALL);
}
