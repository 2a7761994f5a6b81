//! Asking for the upgrade (RFC 6455, section 4.1).

use async_tungstenite::client_async_with_config;
use async_tungstenite::tungstenite;

use super::head::Head;
use super::retry_after::retry_after;
use super::{UpgradeError, config};
use crate::connect::Request;
use crate::role::Role;
use crate::settings::Settings;
use crate::socket::Socket;
use crate::tls::Layered;
use crate::websocket::WebSocket;

pub(crate) async fn upgrade<S: Socket + Unpin + Send>(
    socket: Layered<S>,
    request: &Request,
    settings: &Settings,
) -> Result<WebSocket<S>, UpgradeError> {
    let request = request.to_http().map_err(|error| UpgradeError::Other(Box::new(error)))?;
    let mut head = Head::new(socket, Role::Client, settings.max_head);
    match client_async_with_config(request, &mut head, Some(config())).await {
        Ok((_, response)) => {
            if response.headers().contains_key("sec-websocket-extensions") {
                return Err(UpgradeError::Extension);
            }
            let (socket, early) = head.into_parts();
            Ok(WebSocket::new(socket, Role::Client, settings, early))
        }
        Err(tungstenite::Error::Http(response)) => Err(UpgradeError::Status {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
        }),
        Err(error) => Err(head.problem().unwrap_or_else(|| UpgradeError::from_library(error))),
    }
}
