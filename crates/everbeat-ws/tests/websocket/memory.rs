//! What a WebSocket allocates: nothing for each message beyond what async-tungstenite's own stream
//! does, nothing that an idle one keeps, nothing on a header's word alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::Message as Theirs;
use async_tungstenite::tungstenite::protocol::Role as TheirRole;
use everbeat_core::Message;
use everbeat_ws::{Role, Settings, WebSocket};
use futures_util::future::join;
use futures_util::{AsyncWriteExt, StreamExt};

use crate::support::{duplex, message, now, recv, run, send};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn note(count: u64, bytes: i64) {
    _ = COUNT.try_with(|total| total.set(total.get() + count));
    _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

struct Counting;

#[expect(unsafe_code, reason = "an allocator can only be wrapped by an unsafe impl")]
// SAFETY: every call is passed on to the system's allocator as it came
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: the caller's promise, passed on
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, -(layout.size() as i64));
        // SAFETY: the caller's promise, passed on
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size as i64 - layout.size() as i64);
        // SAFETY: the caller's promise, passed on
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const WARM: usize = 200;
const MEASURED: usize = 1_000;

/// Allocations of a client and an echoing server of ours, for each message there and back
fn ours(payload: &'static [u8]) -> f64 {
    let (one, other) = duplex(1 << 20, None);
    let settings = Settings::default();
    let mut client = WebSocket::from_upgraded(one, Role::Client, settings, Vec::new());
    let mut server = WebSocket::from_upgraded(other, Role::Server, settings, Vec::new());
    let payload = bytes::Bytes::from_static(payload);
    run(join(
        async {
            let mut before = 0;
            for round in 0..WARM + MEASURED {
                if round == WARM {
                    before = COUNT.get();
                }
                send(&mut client, Message::Binary(payload.clone())).await.unwrap();
                assert_eq!(message(&mut client).await.as_bytes(), &payload);
            }
            (COUNT.get() - before) as f64 / MEASURED as f64
        },
        async {
            for _ in 0..WARM + MEASURED {
                let heard = message(&mut server).await;
                send(&mut server, heard).await.unwrap();
            }
        },
    ))
    .0
}

/// The same with two streams of async-tungstenite
fn theirs(payload: &'static [u8]) -> f64 {
    let (one, other) = duplex(1 << 20, None);
    let payload = bytes::Bytes::from_static(payload);
    run(async {
        let mut client = WebSocketStream::from_raw_socket(one, TheirRole::Client, None).await;
        let mut server = WebSocketStream::from_raw_socket(other, TheirRole::Server, None).await;
        join(
            async {
                let mut before = 0;
                for round in 0..WARM + MEASURED {
                    if round == WARM {
                        before = COUNT.get();
                    }
                    client.send(Theirs::Binary(payload.clone())).await.unwrap();
                    let heard = client.next().await.unwrap().unwrap();
                    assert_eq!(heard.into_data(), payload);
                }
                (COUNT.get() - before) as f64 / MEASURED as f64
            },
            async {
                for _ in 0..WARM + MEASURED {
                    let heard = server.next().await.unwrap().unwrap();
                    server.send(heard).await.unwrap();
                }
            },
        )
        .await
        .0
    })
}

#[test]
fn no_allocation_beyond_async_tungstenites() {
    for payload in [&[7; 64], &[7; 1_024][..], &[7; 3_000]] {
        let (ours, theirs) = (ours(payload), theirs(payload));
        println!("{} B: ours {ours}, async-tungstenite {theirs} an echo", payload.len());
        assert!(ours <= theirs, "{} B: {ours} against {theirs}", payload.len());
    }
}

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
