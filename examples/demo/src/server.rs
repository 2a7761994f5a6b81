//! The role of the server: notes every message before anything is done about it, sends each client
//! a tick now and then, and notes why a connection has ended. Expiry is the library's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use everbeat_tokio::{Cause, Connection, Server};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::time::{MissedTickBehavior, interval};

use crate::args::Mechanism;
use crate::client::{command, number};
use crate::lateness::Lateness;
use crate::note::{End, Note, Who};
use crate::settings;
use crate::sloth::FLOOD;

/// One message of the flood
const FLOOD_MESSAGE: usize = 32 << 10;
