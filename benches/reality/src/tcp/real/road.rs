//! The roads between two hosts: each packet that one kernel sends comes to us, and goes on to the
//! other a little later, or does not. What passed is noted.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use everbeat_faults::Direction;
use everbeat_link::Wire;
use tokio::time::Instant;

use super::super::world::DELAY;
use super::segment::{Segment, reaches};

/// Which way a packet goes
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToServer,
    ToClient,
}

/// All roads; a connection's is named by its server's port
#[derive(Debug, Default)]
pub(super) struct Roads(Mutex<HashMap<u16, Road>>);

#[derive(Debug, Default)]
struct Road {
    closed: Option<Direction>,
    passed: Vec<Passage>,
}

/// A segment that set out
#[derive(Debug, Clone, Copy)]
struct Passage {
    at: Instant,
    way: Way,
    segment: Segment,
    lost: bool,
}

/// A packet on its way
struct Packet {
    due: Instant,
    way: Way,
    bytes: Vec<u8>,
}

impl Roads {
    /// Lays them between two wires' ends
    pub(super) fn lay(client: Wire, server: Wire) -> Arc<Self> {
        let roads = Arc::new(Self::default());
        let (client, server) = (Arc::new(client), Arc::new(server));
        let (sender, packets) = mpsc::channel();
        for (device, way) in [(&client, Way::ToServer), (&server, Way::ToClient)] {
            let (device, sender, roads) = (device.clone(), sender.clone(), roads.clone());
            thread::spawn(move || take(&device, way, &sender, &roads));
        }
        thread::spawn(move || hand_over(&packets, &client, &server));
        roads
    }

    pub(super) fn close(&self, port: u16, direction: Direction) {
        self.lock().entry(port).or_default().closed = Some(direction);
    }

    pub(super) fn open(&self, port: u16) {
        self.lock().entry(port).or_default().closed = None;
    }

    /// When so many bytes from `from` on were acknowledged to who sent them that way
    pub(super) fn acknowledged(
        &self,
        port: u16,
        way: Way,
        from: u32,
        bytes: u32,
    ) -> Option<Instant> {
        let roads = self.lock();
        let passed = &roads.get(&port)?.passed;
        let came = passed.iter().filter(|passage| passage.way != way && !passage.lost);
        let behind = from.wrapping_add(bytes);
        let first = came.clone().find(|it| reaches(it.segment.acknowledges, behind));
        first.map(|passage| passage.at + DELAY)
    }

    /// The number of a way's first byte
    pub(super) fn first(&self, port: u16, way: Way) -> Option<u32> {
        let roads = self.lock();
        let mut passed = roads.get(&port)?.passed.iter();
        let syn = passed.find(|passage| passage.way == way && passage.segment.flags.syn())?;
        // The SYN counts as one.
        Some(syn.segment.sequence.wrapping_add(1))
    }

    /// The history of a road, a line for each segment
    pub(super) fn told(&self, port: u16) -> Vec<String> {
        let roads = self.lock();
        let Some(road) = roads.get(&port) else { return Vec::new() };
        let mut begun = None;
        let lines = road.passed.iter().map(|passage| {
            let Passage { at, way, segment, lost } = passage;
            let begun = *begun.get_or_insert(*at);
            let flags = [
                ("SYN", segment.flags.syn()),
                ("FIN", segment.flags.fin()),
                ("RST", segment.flags.reset()),
            ];
            let flags = flags.iter().filter(|(_, set)| *set).map(|(name, _)| format!(" {name}"));
            format!(
                "{:8.3} {way:?} {}+{}, acknowledges {}{}{}",
                at.saturating_duration_since(begun).as_secs_f64(),
                segment.sequence,
                segment.length,
                segment.acknowledges,
                flags.collect::<String>(),
                if *lost { ", lost" } else { "" },
            )
        });
        lines.collect()
    }

    /// Notes what sets out; whether it arrives
    fn passes(&self, at: Instant, way: Way, segment: Segment) -> bool {
        let port = if way == Way::ToServer { segment.to } else { segment.from };
        let mut roads = self.lock();
        let road = roads.entry(port).or_default();
        let lost = match road.closed {
            None => false,
            Some(Direction::Both) => true,
            Some(Direction::ToServer) => way == Way::ToServer,
            Some(Direction::ToClient) => way == Way::ToClient,
        };
        road.passed.push(Passage { at, way, segment, lost });
        !lost
    }

    /// It is whole between any two statements, so a panic elsewhere has not broken it
    fn lock(&self) -> MutexGuard<'_, HashMap<u16, Road>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what a kernel sends
fn take(device: &Wire, way: Way, packets: &Sender<Packet>, roads: &Roads) {
    let mut buffer = vec![0; Wire::LONGEST];
    while let Ok(length) = device.recv(&mut buffer) {
        let at = Instant::now();
        let bytes = buffer.get(..length).unwrap_or_default();
        // A kernel also looks for neighbours: that is none of ours.
        if !Segment::parse(bytes).is_some_and(|segment| roads.passes(at, way, segment)) {
            continue;
        }
        let packet = Packet { due: at + DELAY, way, bytes: bytes.to_vec() };
        if packets.send(packet).is_err() {
            return;
        }
    }
}

/// Hands over what is due; all packets take equally long, so that the first is always the next
fn hand_over(packets: &Receiver<Packet>, client: &Wire, server: &Wire) {
    let mut under_way = VecDeque::new();
    loop {
        let came = match under_way.front() {
            None => packets.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(Packet { due, .. }) => {
                packets.recv_timeout(due.saturating_duration_since(Instant::now()))
            }
        };
        match came {
            Ok(packet) => under_way.push_back(packet),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        while under_way.front().is_some_and(|packet: &Packet| packet.due <= now) {
            let Some(packet) = under_way.pop_front() else { break };
            let device = if packet.way == Way::ToServer { server } else { client };
            // A host that is gone hears nothing.
            _ = device.send(&packet.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: u16 = 9_000;

    /// 20 bytes of IPv4, 20 of TCP, and five more; from the client, or to it
    fn segment(way: Way, sequence: u32, acknowledges: u32) -> Segment {
        let (from, to) = match way {
            Way::ToServer => (40_000, PORT),
            Way::ToClient => (PORT, 40_000),
        };
        let mut packet =
            vec![0x45, 0, 0, 45, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 99, 0, 1, 10, 99, 0, 2];
        packet.extend([from, to].iter().flat_map(|port: &u16| port.to_be_bytes()));
        packet.extend([sequence, acknowledges].iter().flat_map(|number| number.to_be_bytes()));
        packet.extend([0x50, 0x10, 0, 63, 0, 0, 0, 0, 1, 2, 3, 4, 5]);
        Segment::parse(&packet).unwrap()
    }

    #[test]
    fn a_closed_road_loses_its_direction_and_no_other_roads_packets() {
        let (roads, now) = (Roads::default(), Instant::now());
        let passes = |way| roads.passes(now, way, segment(way, 0, 0));
        assert!(passes(Way::ToServer) && passes(Way::ToClient));
        roads.close(PORT, Direction::ToServer);
        assert!(!passes(Way::ToServer) && passes(Way::ToClient));
        roads.close(PORT, Direction::Both);
        assert!(!passes(Way::ToServer) && !passes(Way::ToClient));
        roads.open(PORT);
        roads.close(PORT + 1, Direction::Both);
        assert!(passes(Way::ToServer) && passes(Way::ToClient));
    }

    #[test]
    fn what_is_acknowledged_is_what_came_back_and_not_what_was_lost() {
        let (roads, begun) = (Roads::default(), Instant::now());
        let first = u32::MAX - 1;
        let ack = |number: u32, at| {
            roads.passes(begun + at, Way::ToClient, segment(Way::ToClient, 0, number));
        };
        let acknowledged = || roads.acknowledged(PORT, Way::ToServer, first, 5);
        ack(first + 1, DELAY);
        // Of our own: it says nothing of ourselves.
        roads.passes(begun, Way::ToServer, segment(Way::ToServer, first, 3));
        roads.close(PORT, Direction::ToClient);
        ack(3, DELAY * 2);
        assert_eq!(acknowledged(), None);
        roads.open(PORT);
        ack(3, DELAY * 3);
        ack(9, DELAY * 4);
        assert_eq!(acknowledged(), Some(begun + DELAY * 4));
    }
}
