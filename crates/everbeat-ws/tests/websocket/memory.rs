//! What a WebSocket holds: nothing that an idle one keeps, nothing on a header's word alone.

use everbeat_ws::{Role, Settings, WebSocket};
use futures_util::AsyncWriteExt;

use crate::counting::{LIVE, PEAK};
use crate::support::{duplex, message, now, recv, run, send};

#[test]
fn a_header_alone_reserves_nothing() {
    let (one, mut peer) = duplex(1 << 20, None);
    let mut ws = WebSocket::from_upgraded(one, Role::Client, Settings::default(), Vec::new());
    // 16 MiB are promised, and 40,000 bytes come
    let mut bytes = vec![0x82, 127];
    bytes.extend((16u64 << 20).to_be_bytes());
    bytes.extend([0; 40_000]);
    run(async { peer.write_all(&bytes).await.unwrap() });
    let before = LIVE.get();
    PEAK.set(before);
    assert!(now(recv(&mut ws)).is_none());
    let peak = PEAK.get() - before;
    assert!(peak < 4 * 40_000, "{peak} bytes for 40,000");
}

#[test]
fn an_idle_one_keeps_nothing() {
    let (one, mut peer) = duplex(4 << 20, None);
    let mut ws = WebSocket::from_upgraded(one, Role::Client, Settings::default(), Vec::new());
    let mut bytes = vec![0x82, 127];
    bytes.extend((1u64 << 20).to_be_bytes());
    bytes.extend(vec![7; 1 << 20]);
    run(async {
        // What the thread lends is not the connection's: let it have all it ever will
        for _ in 0..2 {
            peer.write_all(&bytes).await.unwrap();
            message(&mut ws).await;
            send(&mut ws, vec![7; 1 << 20].into()).await.unwrap();
        }
        assert!(now(recv(&mut ws)).is_none());
        let before = LIVE.get();
        peer.write_all(&bytes).await.unwrap();
        let heard = message(&mut ws).await;
        assert!(LIVE.get() - before >= 1 << 20);
        drop(heard);
        assert!(now(recv(&mut ws)).is_none());
        assert_eq!(LIVE.get(), before, "after a message in");
    });
}
