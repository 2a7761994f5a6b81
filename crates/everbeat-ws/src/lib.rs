//! RFC 6455 transports for everbeat, over any futures byte stream.
