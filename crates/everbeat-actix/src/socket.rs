//! actix's own socket, as far as it lets go of it: when a connection comes, a function of the
//! application's may look at it, and ours keeps a second descriptor.

use std::any::Any;
use std::sync::Arc;

use actix_web::{HttpRequest, dev, rt};
use socket2::{SockRef, Socket};

/// For [`HttpServer::on_connect`](actix_web::HttpServer::on_connect): keeps a second descriptor of the
/// connection's socket, so that a WebSocket can set its options and end it
///
/// Without it TCP's options are as actix sets them, which sets no `TCP_NODELAY`; nothing of
/// [`Settings::user_timeout`](crate::Settings::user_timeout) and
/// [`notsent_lowat`](crate::Settings::notsent_lowat) holds; and of a connection that everbeat has ended
/// actix keeps the socket for as long as its peer takes nothing. The options are set when a request is
/// upgraded, not before: other requests on other connections are as they were.
///
/// ```
/// use actix_web::{App, HttpServer};
///
/// let http = HttpServer::new(App::new).on_connect(everbeat_actix::on_connect);
/// # _ = http;
/// ```
///
/// The second descriptor is there as long as the connection is, whether it is upgraded or not:
/// `RLIMIT_NOFILE` has to allow two for each. If there is none left the connection goes on without,
/// and the log says so.
///
/// It knows actix's `TcpStream`, and leaves everything else alone. Of a stream with TLS, give it the
/// `TcpStream` inside; an application that has an `on_connect` of its own calls this one in it.
pub fn on_connect(io: &dyn Any, connection: &mut dev::Extensions) {
    let Some(tcp) = io.downcast_ref::<rt::net::TcpStream>() else {
        return;
    };
    match SockRef::from(tcp).try_clone() {
        Ok(socket) => _ = connection.insert(Kept(Arc::new(socket))),
        Err(error) => {
            tracing::warn!(target: "everbeat", %error, "no second descriptor");
        }
    }
}

/// What a connection's requests have of it
struct Kept(Arc<Socket>);

/// The socket that this request came by, if it was kept
pub(crate) fn of(request: &HttpRequest) -> Option<Arc<Socket>> {
    request.conn_data::<Kept>().map(|kept| kept.0.clone())
}
