//! A request that is not upgraded, as axum answers it.

use std::error::Error;
use std::fmt;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why a request is not upgraded
///
/// | why | status |
/// |---|---|
/// | the method | 405, with `Allow` |
/// | `Connection`, `Upgrade`, `Sec-WebSocket-Version` | 426, with the version that is taken |
/// | every other header, content | 400 |
/// | a page of another origin | 403 |
/// | the server takes on no more, or is stopping | 503, or 429 for one address |
/// | a mistake of our own side | 500 |
#[derive(Debug)]
pub struct Rejection(pub(crate) everbeat_hyper::Rejection);

impl Rejection {
    /// Which of the reasons it is
    #[must_use]
    pub const fn reason(&self) -> &everbeat_hyper::Rejection {
        &self.0
    }

    /// The status that says so
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.0.into_response().map(Body::from)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Rejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
