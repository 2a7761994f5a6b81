//! What the faults do to connections, and that each ends.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Instant;

use everbeat_netns::{Lost, Rate};

use super::{MOMENT, PATIENCE, PORT, becomes, connect, hears, network, passes, possible};

#[test]
fn hosts_reach_each_other() {
    let Some(tools) = possible("hosts_reach_each_other") else { return };
    let (_network, client, server) = network(&tools);
    for (to, from) in [
        (SocketAddr::from((server.v4(), PORT)), IpAddr::V4(client.v4())),
        (SocketAddr::from((server.v6(), PORT)), IpAddr::V6(client.v6())),
    ] {
        let (mut near, mut far) = connect(&client, &server, to);
        assert_eq!(far.peer_addr().unwrap().ip(), from);
        assert!(passes(&mut near, &mut far, PATIENCE) && passes(&mut far, &mut near, PATIENCE));
    }
}

#[test]
fn a_black_hole_takes_both_directions_until_it_is_repaired() {
    let Some(tools) = possible("a_black_hole_takes_both_directions_until_it_is_repaired") else {
        return;
    };
    let (network, client, server) = network(&tools);
    let (mut near, mut far) = connect(&client, &server, (server.v4(), PORT).into());
    network.part(&client, &server).unwrap();
    assert!(!passes(&mut near, &mut far, MOMENT) && !passes(&mut far, &mut near, MOMENT));
    network.repair().unwrap();
    assert!(hears(&mut near, PATIENCE) && hears(&mut far, PATIENCE));
}

#[test]
fn one_direction_is_lost_and_the_other_goes_on() {
    let Some(tools) = possible("one_direction_is_lost_and_the_other_goes_on") else { return };
    let (network, client, server) = network(&tools);
    let (mut near, mut far) = connect(&client, &server, (server.v4(), PORT).into());
    network.lose(&client, &server, Lost::All).unwrap();
    assert!(passes(&mut far, &mut near, PATIENCE), "what the server says arrives");
    assert!(!passes(&mut near, &mut far, MOMENT), "what the client says does not");
    assert!(!is_acknowledged(&server, MOMENT), "nor does that it has heard");
    network.repair().unwrap();
    assert!(hears(&mut far, PATIENCE));
}

#[test]
fn payload_is_lost_and_acknowledgements_pass() {
    let Some(tools) = possible("payload_is_lost_and_acknowledgements_pass") else { return };
    let (network, client, server) = network(&tools);
    for to in [SocketAddr::new(server.v4().into(), PORT), SocketAddr::new(server.v6().into(), PORT)]
    {
        let (mut near, mut far) = connect(&client, &server, to);
        network.lose(&client, &server, Lost::Payload).unwrap();
        assert!(!passes(&mut near, &mut far, MOMENT), "{to}: a byte has passed");
        assert!(passes(&mut far, &mut near, PATIENCE));
        assert!(is_acknowledged(&server, PATIENCE), "{to}: a bare acknowledgement is lost");
        network.repair().unwrap();
        assert!(hears(&mut far, PATIENCE));
    }
}

#[test]
fn a_slow_link_has_its_rate() {
    let Some(tools) = possible("a_slow_link_has_its_rate") else { return };
    let (network, client, server) = network(&tools);
    network.slow(&server, Rate { bits: 1_000_000, queue: 64 << 10 }).unwrap();
    let (mut near, mut far) = connect(&client, &server, (server.v4(), PORT).into());
    let begun = Instant::now();
    let writer = thread::spawn(move || near.write_all(&vec![0; 250_000]).map(|()| near));
    far.set_read_timeout(Some(PATIENCE)).unwrap();
    far.read_exact(&mut vec![0; 250_000]).unwrap();
    // Two seconds, less what went out at once.
    assert!(begun.elapsed().as_secs_f64() > 1.9, "{:?}", begun.elapsed());
    let mut near = writer.join().unwrap().unwrap();
    network.fast(&server).unwrap();
    assert!(passes(&mut near, &mut far, PATIENCE));
}

#[test]
fn addresses_and_links_go_and_come_back() {
    let Some(tools) = possible("addresses_and_links_go_and_come_back") else { return };
    let (_network, client, server) = network(&tools);
    let (mut near, mut far) = connect(&client, &server, (server.v4(), PORT).into());
    client.lose_addresses().unwrap();
    assert!(!passes(&mut far, &mut near, MOMENT));
    assert!(client.lose_addresses().is_err(), "they are gone already");
    client.restore().unwrap();
    assert!(hears(&mut near, PATIENCE), "the kernel sends it again");
    client.unplug().unwrap();
    assert!(!passes(&mut far, &mut near, MOMENT));
    client.restore().unwrap();
    assert!(hears(&mut near, PATIENCE));
    drop((near, far));
    for port in [PORT + 1, PORT + 2] {
        let to = if port % 2 == 0 { server.v4().into() } else { server.v6().into() };
        let (mut near, mut far) = connect(&client, &server, SocketAddr::new(to, port));
        assert!(passes(&mut near, &mut far, PATIENCE), "{to}");
    }
}

#[test]
fn a_reset_is_told_to_both_ends() {
    let Some(tools) = possible("a_reset_is_told_to_both_ends") else { return };
    let (_network, client, server) = network(&tools);
    for to in [SocketAddr::new(server.v4().into(), PORT), SocketAddr::new(server.v6().into(), PORT)]
    {
        let (mut near, mut far) = connect(&client, &server, to);
        client.reset(to).unwrap();
        near.set_read_timeout(Some(PATIENCE)).unwrap();
        far.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(near.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionAborted);
        assert_eq!(far.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert!(client.reset(to).is_err(), "there is none any more");
    }
}

/// Whether all that a host's connections have sent is acknowledged within that time
fn is_acknowledged(host: &everbeat_netns::Host, within: std::time::Duration) -> bool {
    let begun = Instant::now();
    becomes(|| {
        let asked = host.place().run(|| {
            let words = ["--tcp", "--numeric", "--no-header", "state", "established"];
            std::process::Command::new("ss").args(words).output()
        });
        let told = String::from_utf8(asked.unwrap().unwrap().stdout).unwrap();
        // Bytes that nobody has read, bytes that are not acknowledged.
        let mut queued = told.lines().filter_map(|line| line.split_whitespace().nth(1));
        queued.all(|unacknowledged| unacknowledged == "0") || begun.elapsed() > within
    }) && begun.elapsed() <= within
}

#[test]
fn who_is_refused_is_reset_by_what_it_says_next_and_nobody_else_is_told() {
    let test = "who_is_refused_is_reset_by_what_it_says_next_and_nobody_else_is_told";
    let Some(tools) = possible(test) else { return };
    let (network, client, server) = network(&tools);
    let (mut near, mut far) = connect(&client, &server, (server.v4(), PORT).into());
    network.refuse(&client).unwrap();
    assert!(!hears(&mut near, MOMENT), "it is told although it has said nothing");
    near.write_all(b"x").unwrap();
    let told = becomes(|| near.take_error().unwrap().is_some());
    assert!(told, "nobody has told it");
    assert!(!hears(&mut far, MOMENT));
    network.repair().unwrap();
    drop(connect(&client, &server, (server.v4(), PORT + 1).into()));
}

#[test]
fn another_address_leaves_the_old_connection_behind_and_new_ones_are_made() {
    let test = "another_address_leaves_the_old_connection_behind_and_new_ones_are_made";
    let Some(tools) = possible(test) else { return };
    let (_network, mut client, server) = network(&tools);
    let (mut near, mut far) = connect(&client, &server, (server.v4(), PORT).into());
    let before = client.v4();
    client.renumber().unwrap();
    assert_ne!(client.v4(), before);
    assert!(!passes(&mut far, &mut near, MOMENT), "the old address still hears");
    let (mut near, mut far) = connect(&client, &server, (server.v4(), PORT + 1).into());
    assert_eq!(far.peer_addr().unwrap().ip(), client.v4());
    assert!(passes(&mut near, &mut far, PATIENCE));
}
