//! The server's side: a token in the request or in the first message, and fresh ones in band.

use std::sync::Arc;

use everbeat_tokio::core::cause::{CloseCode, CloseFrame};
use everbeat_tokio::server::{Accepted, Connection, Reject, Upgrade, UpgradeRequest};

use crate::Result;
use crate::issuer::{Issuer, User};

/// Lets in who has a good token or none, and refuses a bad one
pub(crate) async fn admit(
    request: UpgradeRequest,
    issuer: Arc<Issuer>,
) -> std::result::Result<Upgrade<Option<User>>, Reject> {
    let Some(authorization) = request.header("Authorization") else {
        return Ok(Upgrade::accept(None));
    };
    let user = match authorization.strip_prefix("Bearer ") {
        Some(token) => issuer.user_of(token).await,
        None => None,
    };
    match user {
        Some(user) => Ok(Upgrade::accept(Some(user))),
        None => Err(Reject::status(401).header("WWW-Authenticate", "Bearer")),
    }
}

/// Takes tokens whenever they come, and says back what a known user says
pub(crate) async fn talk(
    mut connection: Connection,
    peer: Accepted<Option<User>>,
    issuer: Arc<Issuer>,
) -> Result {
    let mut user = peer.facts().principal;
    if let Some(user) = user {
        peer.handle.authenticated_for(user.good_for);
    }
    while let Some(message) = connection.recv().await? {
        if let Some(token) = message.as_text().and_then(|text| text.strip_prefix("token ")) {
            let fresh = issuer.user_of(token).await;
            // A connection that was somebody's does not become somebody else's.
            let own = |fresh: &User| user.is_none_or(|user| user.name == fresh.name);
            let Some(fresh) = fresh.filter(own) else {
                let frame = CloseFrame::new(CloseCode::FORBIDDEN, "not a token of yours");
                connection.close_with(frame).await;
                break;
            };
            peer.handle.authenticated_for(fresh.good_for);
            user = Some(fresh);
            connection.send(format!("good for {:.1?}", fresh.good_for)).await?;
        } else if let Some(user) = user {
            connection.send(format!("{}: {message}", user.name)).await?;
        } else {
            connection.send("who are you?").await?;
        }
    }
    Ok(())
}
