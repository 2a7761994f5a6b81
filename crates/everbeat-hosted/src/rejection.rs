//! Why a request is not upgraded, and what its peer is told.

use std::error::Error;
use std::fmt;

use everbeat_ws::upgrade::UpgradeError;
use http::{HeaderValue, Response, StatusCode};

/// Why a request is not upgraded
///
/// [`response`](Self::response) is what its peer is to be told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// The request is not a good one, its page may not connect, or the server takes on no more:
    /// [`UpgradeError::response`] has the statuses
    Request(UpgradeError),
    /// The server is stopping: 503
    Stopping,
    /// The route was reached in a way that its connection cannot be upgraded, or without a server
    /// among its application's state; 500, and logged
    NotUpgradable,
}

impl Rejection {
    /// The status that says so
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Request(error) => {
                error.response().map_or(StatusCode::BAD_REQUEST, |response| response.status())
            }
            Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotUpgradable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer that says so, with the headers that belong to its status: `Allow` to 405,
    /// `Sec-WebSocket-Version: 13` to 426 (RFC 6455, section 4.4), `Retry-After` to 429 and 503 where
    /// there is a time
    ///
    /// A mistake of our own side is not told.
    #[must_use]
    pub fn response(&self) -> Response<String> {
        if let Self::Request(error) = self {
            if let Some(response) = error.response() {
                return response;
            }
        }
        let body = match self {
            Self::NotUpgradable => "the server could not upgrade the request\n".to_owned(),
            other => format!("{other}\n"),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status();
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
        response
    }

    /// [`response`](Self::response), for the end of a chain
    #[must_use]
    pub fn into_response(self) -> Response<String> {
        self.response()
    }
}

impl From<UpgradeError> for Rejection {
    fn from(error: UpgradeError) -> Self {
        Self::Request(error)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Stopping => f.write_str("the server is stopping"),
            Self::NotUpgradable => f.write_str("the connection cannot be upgraded"),
        }
    }
}

impl Error for Rejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Request(error) => error.source(),
            Self::Stopping | Self::NotUpgradable => None,
        }
    }
}
