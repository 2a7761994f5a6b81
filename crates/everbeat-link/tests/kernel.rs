//! A link between two networks of this kernel, with TCP over it. Where the kernel does not let us, every
//! test says so.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "nothing here is simulated")]
#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use everbeat_link::{Link, Rate, Shape, Way, Wire};
use everbeat_netns::{Host, Network, Tools, skipped};

const NEAR: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 2);
/// What takes longer hangs
const PATIENCE: Duration = Duration::from_secs(20);
/// For how long nothing must come where nothing can
const MOMENT: Duration = Duration::from_millis(400);

/// Two hosts, each behind a router of its own, and the link between these
struct Road {
    link: Link,
    _networks: [Network; 2],
    client: Host,
    server: Host,
}

impl Road {
    fn lay(test: &str) -> Option<Self> {
        let tools = Tools::default();
        if let Some(why) = tools.missing() {
            skipped(test, &why);
            return None;
        }
        let (near, [client]) = Network::join_from(1, &tools, ["client"]).unwrap();
        let (far, [server]) = Network::join_from(2, &tools, ["server"]).unwrap();
        let wires = [(&near, &server, NEAR, FAR), (&far, &client, FAR, NEAR)].map(
            |(on, to, here, there)| {
                let wire = Wire::new(on.router(), here, there).unwrap();
                on.lead(to, &wire.name().unwrap()).unwrap();
                wire
            },
        );
        let [one, two] = wires;
        let link = Link::lay(one, two, 7).unwrap();
        Some(Self { link, _networks: [near, far], client, server })
    }

    /// A connection over it: the client's end, the server's
    fn connect(&self) -> (TcpStream, TcpStream) {
        let to = SocketAddr::from((self.server.v4(), 9_001));
        let listener = self.server.place().run(move || TcpListener::bind(to)).unwrap().unwrap();
        let connect = move || TcpStream::connect_timeout(&to, PATIENCE);
        let near = self.client.place().run(connect).unwrap().unwrap();
        let far = listener.accept().unwrap().0;
        near.set_nodelay(true).unwrap();
        far.set_nodelay(true).unwrap();
        (near, far)
    }
}

/// How long a byte takes, if it comes within that time
fn passes(from: &mut TcpStream, to: &mut TcpStream, within: Duration) -> Option<Duration> {
    let begun = Instant::now();
    from.write_all(b"x").unwrap();
    to.set_read_timeout(Some(within)).unwrap();
    match to.read(&mut [0]) {
        Ok(length) => (length == 1).then(|| begun.elapsed()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_delay_is_of_its_way() {
    let Some(road) = Road::lay("a_delay_is_of_its_way") else { return };
    let (mut near, mut far) = road.connect();
    let delay = Duration::from_millis(150);
    road.link.shape(Way::Out, Shape { delay, ..Shape::default() });
    assert!(passes(&mut near, &mut far, PATIENCE).unwrap() >= delay);
    assert!(passes(&mut far, &mut near, PATIENCE).unwrap() < delay);
    road.link.shape(Way::Back, Shape { delay: delay * 3, ..Shape::default() });
    assert!(passes(&mut far, &mut near, PATIENCE).unwrap() >= delay * 3);
    assert!(passes(&mut near, &mut far, PATIENCE).unwrap() < delay * 3);
}

#[test]
fn a_hole_is_of_its_way_and_what_was_said_in_it_comes_when_it_is_repaired() {
    let test = "a_hole_is_of_its_way_and_what_was_said_in_it_comes_when_it_is_repaired";
    let Some(road) = Road::lay(test) else { return };
    let (mut near, mut far) = road.connect();
    road.link.shape(Way::Out, Shape { hole: true, ..Shape::default() });
    assert!(passes(&mut far, &mut near, PATIENCE).is_some());
    assert_eq!(passes(&mut near, &mut far, MOMENT), None);
    assert!(road.link.counts(Way::Out).hole > 0 && road.link.counts(Way::Back).hole == 0);
    road.link.shape(Way::Out, Shape::default());
    far.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(far.read(&mut [0]).unwrap(), 1);
}

#[test]
fn a_rate_holds_an_upload_and_lossy_is_no_matter_to_tcp() {
    let test = "a_rate_holds_an_upload_and_lossy_is_no_matter_to_tcp";
    let Some(road) = Road::lay(test) else { return };
    let (mut near, mut far) = road.connect();
    let rate = Some(Rate { bits: 2_000_000, queue: 64 << 10 });
    road.link.shape(Way::Out, Shape { rate, loss: 10, ..Shape::default() });
    let begun = Instant::now();
    let writer = std::thread::spawn(move || near.write_all(&vec![7; 250_000]).map(|()| near));
    let mut all = vec![0; 250_000];
    far.set_read_timeout(Some(PATIENCE)).unwrap();
    far.read_exact(&mut all).unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(all.iter().all(|byte| *byte == 7));
    assert!(road.link.counts(Way::Out).arrived > 150, "{:?}", road.link.counts(Way::Out));
    drop(writer.join().unwrap().unwrap());
}

#[test]
fn a_link_is_gone_when_it_is_dropped_and_its_devices_with_it() {
    let test = "a_link_is_gone_when_it_is_dropped_and_its_devices_with_it";
    let Some(road) = Road::lay(test) else { return };
    let Road { link, _networks: [near, far], .. } = &road;
    let devices = |network: &Network| {
        // Of the thread's own network, whoever asks.
        let read = || fs::read_to_string("/proc/thread-self/net/dev").unwrap();
        network.router().run(read).unwrap().lines().filter(|line| line.contains("tun")).count()
    };
    assert_eq!((devices(near), devices(far)), (1, 1));
    assert!(link.take_lateness() < PATIENCE);
    let Road { link, _networks: [near, far], .. } = road;
    drop(link);
    assert_eq!((devices(&near), devices(&far)), (0, 0));
}
