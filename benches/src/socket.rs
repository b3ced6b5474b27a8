//! A client's connection to a server: TCP, with or without TLS.

use std::io::{self, Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::sync::Arc;

use anyhow::Context as _;
use rustix::net::{AddressFamily, SocketType};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind};

use crate::certs::SERVER_NAME;

pub(crate) struct Socket {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// Bytes that have come over the wire, encrypted where there is TLS.
    pub(crate) received: u64,
}

impl Socket {
    /// Connects from an address of this machine, so that more than one address's worth of ports can be used. With TLS the
    /// handshake has been made.
    pub(crate) fn connect(
        server: SocketAddr,
        source: Ipv4Addr,
        tls: Option<&Arc<ClientConfig>>,
    ) -> anyhow::Result<Socket> {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        rustix::net::bind(&socket, &SocketAddrV4::new(source, 0))?;
        rustix::net::connect(&socket, &server).with_context(|| format!("cannot connect to {server}"))?;
        let mut stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        let mut tls = match tls {
            None => None,
            Some(config) => {
                let name = ServerName::try_from(SERVER_NAME)?;
                Some(Box::new(ClientConnection::new(Arc::clone(config), name)?))
            }
        };
        if let Some(tls) = &mut tls {
            while tls.is_handshaking() {
                tls.complete_io(&mut stream).context("the TLS handshake failed")?;
            }
        }
        Ok(Socket { stream, tls, received: 0 })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Whether the TLS session was resumed.
    pub(crate) fn is_resumed(&self) -> bool {
        let kind = self.tls.as_ref().and_then(|tls| tls.handshake_kind());
        kind == Some(HandshakeKind::Resumed)
    }

    /// Reads what is there, 0 bytes at the end of the stream.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            let len = self.stream.read(buffer)?;
            self.received += len as u64;
            return Ok(len);
        };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            let len = tls.read_tls(&mut self.stream)?;
            if len == 0 {
                return Ok(0);
            }
            self.received += len as u64;
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }

    /// Writes all; the socket has to be in blocking mode.
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return self.stream.write_all(bytes) };
        for piece in bytes.chunks(16 << 10) {
            tls.writer().write_all(piece)?;
            while tls.wants_write() {
                tls.write_tls(&mut self.stream)?;
            }
        }
        Ok(())
    }

    /// Closes as a browser does that goes to another page: no bytes are left unsent.
    pub(crate) fn close(mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            while tls.wants_write() {
                tls.write_tls(&mut self.stream)?;
            }
        }
        Ok(())
    }
}
