//! Who is compared: everbeat with its presets and promises, and the rules of other libraries.

use std::time::Duration;

use everbeat_core::config::{ConnectionConfig, HeartbeatConfig};

/// What sits at an end
#[derive(Clone, Debug)]
pub(crate) enum Player {
    /// Everbeat's connection
    Everbeat(Box<ConnectionConfig>),
    /// It only answers
    Plain,
    SocketIo,
    SocketIoForgiving,
    Websockets,
    Ws,
    JavaWebSocket,
    Actix,
    Libwebsockets,
}

/// One detector
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    /// As it is shown
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) player: Player,
    /// Who sits at the other end where both ends watch
    pub(crate) peer: Player,
    /// Whether its platform tells nothing of the road
    pub(crate) blind: bool,
    pub(crate) everbeat: bool,
}

pub(crate) const EVERBEAT: &str = "everbeat";
pub(crate) const SOCKET_IO: &str = "Socket.IO 25/20";
pub(crate) const WEBSOCKETS: &str = "websockets 20/20";

/// Those that run in every scenario
pub(crate) fn everywhere() -> Vec<Contender> {
    vec![
        everbeat(EVERBEAT, "a server's defaults", HeartbeatConfig::SERVER),
        other(SOCKET_IO, "asks 25 s after a Pong, waits 20 s for the next", Player::SocketIo),
        other(WEBSOCKETS, "for Python: every 20 s, waits 20 s", Player::Websockets),
        other("ws 30/30", "for node, its README's recipe: no Pong between two ticks", Player::Ws),
        other(
            "Java-WebSocket 60 x 1.5",
            "a tick finds a Pong older than 90 s",
            Player::JavaWebSocket,
        ),
        other("actix 5/10", "its example: a tick finds a Pong older than 10 s", Player::Actix),
        other("libwebsockets 40/50", "asks 40 s after a Pong, dead at 50 s", Player::Libwebsockets),
    ]
}

/// One that runs only where a scenario names it
pub(crate) fn extra(name: &str) -> Option<Contender> {
    extras().into_iter().find(|(known, _)| *known == name).map(|(_, contender)| contender)
}

/// All names that a scenario may give
pub(crate) fn extra_names() -> String {
    extras().into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

fn extras() -> Vec<(&'static str, Contender)> {
    let of_mobile = "for phones: a road is waited for a little longer";
    let of_wires = "for wired links only";
    let of_socket_io = "as it is since mid-2026: any whole packet puts the verdict off";
    vec![
        ("client", everbeat("everbeat, client", "a client's defaults", HeartbeatConfig::CLIENT)),
        ("mobile", everbeat("everbeat, mobile", of_mobile, HeartbeatConfig::MOBILE)),
        ("datacenter", everbeat("everbeat, datacenter", of_wires, HeartbeatConfig::DATACENTER)),
        ("within 5 s", promise("everbeat, within 5 s", 5)),
        ("within 15 s", promise("everbeat, within 15 s", 15)),
        ("within 60 s", promise("everbeat, within 60 s", 60)),
        ("blind", {
            let about = "a server's defaults where the platform tells nothing of the road";
            let seeing = everbeat("everbeat, blind", about, HeartbeatConfig::SERVER);
            Contender { blind: true, ..seeing }
        }),
        ("forgiving", other("Socket.IO, forgiving", of_socket_io, Player::SocketIoForgiving)),
    ]
}

/// A server that promises
fn promise(name: &'static str, seconds: u64) -> Contender {
    let promise = HeartbeatConfig::SERVER.detect_within(Duration::from_secs(seconds));
    everbeat(
        name,
        "a server's defaults with this promise",
        promise.unwrap_or(HeartbeatConfig::SERVER),
    )
}

fn everbeat(name: &'static str, about: &'static str, beat: HeartbeatConfig) -> Contender {
    let ours = ConnectionConfig::server().with_heartbeat(Some(beat));
    Contender {
        name,
        about,
        player: Player::Everbeat(Box::new(ours)),
        peer: Player::Everbeat(Box::new(ConnectionConfig::client())),
        blind: false,
        everbeat: true,
    }
}

fn other(name: &'static str, about: &'static str, player: Player) -> Contender {
    Contender { name, about, peer: player.clone(), player, blind: false, everbeat: false }
}
