//! A WebSocket server that expires silent connections by Ping, on any runtime.
