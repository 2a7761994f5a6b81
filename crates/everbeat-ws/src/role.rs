//! Which side of a WebSocket we are: it decides who masks, and who closes the socket first.

use async_tungstenite::tungstenite::protocol::Role as CodecRole;

use crate::settings::Settings;

/// Which side of a WebSocket we are
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6455 has these two roles and no other")]
pub enum Role {
    /// We asked for the upgrade: our frames are masked, and the server closes the socket first
    Client,
    /// We granted the upgrade: the peer's frames are masked, and we close the socket first
    Server,
}

impl From<Role> for CodecRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Client => Self::Client,
            Role::Server => Self::Server,
        }
    }
}

/// What frames are held against, and made by
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) role: Role,
    pub(crate) settings: &'a Settings,
}
