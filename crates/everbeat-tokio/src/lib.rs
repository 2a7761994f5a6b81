//! WebSockets that stay alive, on tokio.
