//! hyper's own servers on loopback, with everbeat's connections in them; its peers are everbeat's
//! client, or bytes by hand.

mod http2;
mod lifecycle;
mod limits;
mod rejections;
mod stopping;
mod support;
mod traced;
