//! A loopback proxy that breaks TCP connections on a schedule.
