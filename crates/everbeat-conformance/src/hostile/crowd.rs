//! Ten thousand connections that never finish their upgrade, beside one that is alive.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use everbeat_core::Message;
use everbeat_server::{Limits, Server};
use everbeat_ws::Settings;

use super::Host;
use super::peer::ASK;
use super::server_side::{Echo, acceptor, both, connected};

const CROWD: usize = 10_000;
const THREADS: usize = 50;
/// The default: most of the crowd waits in the kernel, or is held off there
const UPGRADES: usize = 1_024;
/// Short, so that the crowd is through in seconds
const HANDSHAKE: Duration = Duration::from_millis(100);

/// One for each of the crowd and for each upgrade, and some for all else
const DESCRIPTORS: u64 = (CROWD + UPGRADES + 500) as u64;

pub(super) async fn harms_nobody<R: Host>() {
    let descriptors = rlimit::increase_nofile_limit(DESCRIPTORS).unwrap_or(0);
    assert!(
        descriptors >= DESCRIPTORS,
        "this needs {DESCRIPTORS} descriptors and may have {descriptors}: see `ulimit -Hn`"
    );
    let (acceptor, address) = acceptor::<R>(Settings::default()).await;
    let runtime = R::default();
    let server = Server::over(acceptor, runtime.timer(), runtime, 1)
        .limits(Limits::default().upgrades(UPGRADES))
        .handshake_timeout(HANDSHAKE)
        .build()
        .unwrap();
    let (registry, stop) = (server.registry(), server.handle());
    let serving = server.serve_with(Echo);
    let watching = async {
        let url = format!("ws://{address}/");
        let mut live = connected::<R>(&url).await;
        let crowd = Crowd::gather(address);
        let (mut echoes, mut number) = (0_u32, 0_u32);
        while !crowd.is_over() {
            live.send(format!("hello {number}")).await.unwrap();
            let heard = live.recv().await.unwrap();
            assert_eq!(heard, Some(Message::from(format!("hello {number}"))));
            number += 1;
            // While some of the crowd were let go already, and others not yet
            echoes += u32::from((1..CROWD).contains(&crowd.ended()));
        }
        assert!(echoes > 0, "nobody lived beside the crowd");
        assert_eq!(crowd.ended(), CROWD, "each of them was let go");
        // Who comes behind the crowd is served, and nobody of it ever counted as a connection
        let mut late = connected::<R>(&url).await;
        late.send("late").await.unwrap();
        assert_eq!(late.recv().await.unwrap(), Some("late".into()));
        assert_eq!((registry.len(), registry.served()), (2, 2));
        stop.shutdown();
        live.recv().await
    };
    let (served, told) = both(serving, watching).await;
    assert_eq!(served.served, 2);
    assert_eq!(told, Ok(None), "the live one was told of the shutdown");
}

/// Strangers who connect, say half a request or nothing, and wait to be let go
struct Crowd {
    ended: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    _threads: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// Many threads that hold a share each, for who meets a full backlog waits for seconds
    fn gather(address: SocketAddr) -> Self {
        let (ended, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let hold = || {
            let ended = ended.clone();
            thread::spawn(move || {
                let peers: Vec<_> = (0..CROWD / THREADS)
                    .map(|number| {
                        let mut peer = super::peer::Peer::connect(address);
                        peer.say(&ASK.as_bytes()[..number % ASK.len()]);
                        peer
                    })
                    .collect();
                for mut peer in peers {
                    assert_eq!(peer.hear(), b"");
                    ended.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let threads: Vec<_> = (0..THREADS).map(|_| hold()).collect();
        let told = over.clone();
        let waiting = thread::spawn(move || {
            for thread in threads {
                // A panic there is told by the count of those that ended
                _ = thread.join();
            }
            told.store(true, Ordering::Relaxed);
        });
        Self { ended, over, _threads: vec![waiting] }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }
}
