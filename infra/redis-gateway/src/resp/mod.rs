//! RESP2, the protocol that Redis speaks: commands out, replies in.
//!
//! Both directions work on bytes alone and know nothing of sockets, JSON or policies. RESP2 on
//! purpose: its shapes (flat arrays, numbers as integers or strings, no maps) are those that REST
//! clients expect.

mod decode;
mod encode;

pub(crate) use decode::{Decoder, ProtocolError, Token};
pub(crate) use encode::{encode_command, encode_header, encode_word};
