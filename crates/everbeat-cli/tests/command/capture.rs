//! `everbeat ping` beside a capture: its round trips against those between the packets as the kernel
//! stamped them. Where no packet can be seen, without root, it says so.

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use everbeat_faults::{Direction, Fault, Proxy};
use everbeat_netns::skipped;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBufForce, ReceiveTimeout, ReceiveTimestampns};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg,
    setsockopt, socket,
};
use nix::sys::time::{TimeSpec, TimeVal};

use crate::support::{echo_as, everbeat, url};

const NAME: &str = "round_trips_are_those_of_a_capture";
const BEATS: usize = 30;
/// What answers take on the road, so that a figure that is none of it shows
const ROAD: Duration = Duration::from_millis(20);

/// A Ping or a Pong of eight bytes on the wire
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beat {
    Ping([u8; 8]),
    Pong([u8; 8]),
}

/// What an IPv4 packet carries to or from a port, if that is a beat of ours or its answer
fn beat(packet: &[u8], port: u16) -> Option<Beat> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let length = usize::from(u16::from_be_bytes(*packet.get(2..)?.first_chunk()?));
    // TCP's; what is longer than what was read is no beat
    let segment = packet.get(header..length).filter(|_| packet[9] == 6)?;
    let number = |at: usize| Some(u16::from_be_bytes(*segment.get(at..)?.first_chunk()?));
    let (from, to) = (number(0)?, number(2)?);
    let data = segment.get(usize::from(segment.get(12)? >> 4) * 4..)?;
    match data {
        // A client's frame is masked (RFC 6455, section 5.3).
        [0x89, 0x88, masked @ ..] if to == port => {
            let (mask, payload) = masked.split_first_chunk::<4>()?;
            let payload: [u8; 8] = payload.try_into().ok()?;
            Some(Beat::Ping(std::array::from_fn(|at| payload[at] ^ mask[at % 4])))
        }
        [0x8a, 0x08, payload @ ..] if from == port => Some(Beat::Pong(payload.try_into().ok()?)),
        _ => None,
    }
}

/// All of this machine's IPv4 packets, each as it arrives, read on a thread of its own
struct Capture {
    over: Arc<AtomicBool>,
    reading: JoinHandle<Vec<(Beat, Duration)>>,
}

impl Capture {
    fn start(port: u16) -> Result<Self, Errno> {
        // Who asks for one protocol sees a packet of the loopback once, where it comes in.
        let (family, kind) = (AddressFamily::Packet, SockType::Datagram);
        let packets = socket(family, kind, SockFlag::SOCK_CLOEXEC, SockProtocol::EthIp)?;
        setsockopt(&packets, ReceiveTimestampns, &true)?;
        setsockopt(&packets, ReceiveTimeout, &TimeVal::new(0, 50_000))?;
        // Other tests' packets pass by here, too.
        setsockopt(&packets, RcvBufForce, &(16 << 20))?;
        let over = Arc::new(AtomicBool::new(false));
        let until = over.clone();
        Ok(Self { over, reading: thread::spawn(move || read(&packets, port, &until)) })
    }

    /// What was seen, in order, and when
    fn end(self) -> Vec<(Beat, Duration)> {
        self.over.store(true, Ordering::Relaxed);
        self.reading.join().unwrap()
    }
}

fn read(packets: &OwnedFd, port: u16, over: &AtomicBool) -> Vec<(Beat, Duration)> {
    let mut seen = Vec::new();
    let (mut packet, mut told) = ([0; 256], nix::cmsg_space!(TimeSpec));
    loop {
        let mut into = [IoSliceMut::new(&mut packet)];
        let read =
            recvmsg::<()>(packets.as_raw_fd(), &mut into, Some(&mut told), MsgFlags::empty());
        let (length, at) = match read {
            Ok(message) => {
                let stamp = message.cmsgs().unwrap().find_map(|told| match told {
                    ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
                    _ => None,
                });
                (message.bytes, stamp.unwrap())
            }
            // Nothing is left, and nothing more is wanted.
            Err(Errno::EAGAIN) if over.load(Ordering::Relaxed) => return seen,
            Err(Errno::EAGAIN | Errno::EINTR) => continue,
            Err(error) => panic!("no packets: {error}"),
        };
        seen.extend(beat(&packet[..length.min(packet.len())], port).map(|beat| (beat, at)));
    }
}

#[tokio::test]
async fn round_trips_are_those_of_a_capture() {
    let quiet = echo_as(|builder| builder.interval(Duration::from_secs(3_600))).await;
    let proxy = Proxy::start(quiet).await.unwrap();
    proxy.inject(Fault::Delay(Direction::ToClient, ROAD));
    let capture = match Capture::start(proxy.address().port()) {
        Ok(capture) => capture,
        Err(error @ (Errno::EPERM | Errno::EACCES | Errno::EAFNOSUPPORT)) => {
            return skipped(NAME, &format!("no packets can be seen: {error}"));
        }
        Err(error) => panic!("{error}"),
    };
    let (count, url) = (BEATS.to_string(), url(proxy.address()));
    let done = everbeat(&["--json", "ping", "-c", &count, "-i", "50ms", &url]).await;
    let seen = capture.end();
    assert_eq!(done.code, Some(0), "{done:?}");

    let mut events = done.events();
    events.retain(|event| event["event"] == "beat");
    let ours = events.iter().map(|event| event["round_trip_ms"].as_f64().unwrap());
    let ours: Vec<f64> = ours.collect();
    let mut pinged = HashMap::new();
    let mut wires = Vec::new();
    for (beat, at) in seen {
        match beat {
            Beat::Ping(payload) => _ = pinged.insert(payload, at),
            Beat::Pong(payload) => {
                wires.push((at - pinged.remove(&payload).unwrap()).as_secs_f64() * 1_000.0);
            }
        }
    }
    assert_eq!([ours.len(), wires.len(), pinged.len()], [BEATS, BEATS, 0], "{done:?}");
    let road = ROAD.as_secs_f64() * 1_000.0;
    assert!(wires.iter().all(|wire| *wire >= road), "the road takes {road} ms: {wires:?}");
    // Both are in the order of the beats: an answer is out before the next one is due.
    let pairs = ours.iter().zip(&wires);
    let mut differences: Vec<f64> = pairs.map(|(ours, wire)| (ours - wire).abs()).collect();
    differences.sort_by(f64::total_cmp);
    let median = differences[BEATS / 2];
    assert!(median < 1.0, "{median} ms between {ours:?} and {wires:?}");
}
