//! The messages of one turn.

/// What one entry of a delivery list stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Item(u32);

/// An [`Item`] taken apart. The number is an index into the [`Arena`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ItemKind {
    /// A message as it was published.
    Message(u32),
    /// A message without its header block, for subscribers that did not ask for headers.
    WithoutHeaders(u32),
    /// Bytes of the server's own: `PONG`, `+OK`, `-ERR …`, `INFO …`.
    Text(u32),
}

impl Item {
    const INDEX: u32 = (1 << 30) - 1;
    /// Stands for no item.
    pub(crate) const NONE: Item = Item(u32::MAX);

    pub(crate) fn as_u32(self) -> u32 {
        self.0
    }

    fn text(index: u32) -> Item {
        Item(2 << 30 | index)
    }

    /// A message, with or without its headers.
    pub fn message(index: u32, headers: bool) -> Item {
        Item(u32::from(!headers) << 30 | index)
    }

    /// What the item stands for.
    pub fn kind(self) -> ItemKind {
        let index = self.0 & Self::INDEX;
        match self.0 >> 30 {
            0 => ItemKind::Message(index),
            1 => ItemKind::WithoutHeaders(index),
            _ => ItemKind::Text(index),
        }
    }
}

/// A published message. All parts borrow from where the bytes lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    /// The subject it was published to.
    pub subject: &'a [u8],
    /// The reply subject.
    pub reply: Option<&'a [u8]>,
    /// The length of the header block at the start of `payload`; `None`: it was published without headers.
    pub header_len: Option<usize>,
    /// The header block, if any, and the payload.
    pub payload: &'a [u8],
}

impl Message<'_> {
    fn stored_len(&self) -> usize {
        self.subject.len() + self.reply.map_or(0, <[u8]>::len) + self.payload.len()
    }
}

struct Stored {
    start: usize,
    subject_len: u32,
    reply_len: Option<u32>,
    header_len: Option<u32>,
    payload_len: u32,
}

/// Every message and text of a turn, each stored once and named by index.
#[derive(Default)]
pub struct Arena {
    bytes: Vec<u8>,
    messages: Vec<Stored>,
    texts: Vec<(usize, usize)>,
}

impl Arena {
    /// How many bytes the turn's messages and texts take.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// Stores a message and returns its index. The caller ends the turn long before the 2^30 indices run out.
    pub fn push(&mut self, message: Message<'_>) -> u32 {
        let start = self.bytes.len();
        self.bytes.reserve(message.stored_len());
        self.bytes.extend_from_slice(message.subject);
        self.bytes.extend_from_slice(message.reply.unwrap_or_default());
        self.bytes.extend_from_slice(message.payload);
        self.messages.push(Stored {
            start,
            subject_len: message.subject.len() as u32,
            reply_len: message.reply.map(|reply| reply.len() as u32),
            header_len: message.header_len.map(|len| len as u32),
            payload_len: message.payload.len() as u32,
        });
        (self.messages.len() - 1) as u32
    }

    /// The message with this index.
    pub fn message(&self, index: u32) -> Message<'_> {
        let stored = &self.messages[index as usize];
        let rest = &self.bytes[stored.start..];
        let (subject, rest) = rest.split_at(stored.subject_len as usize);
        let (reply, rest) = rest.split_at(stored.reply_len.unwrap_or(0) as usize);
        Message {
            subject,
            reply: stored.reply_len.map(|_| reply),
            header_len: stored.header_len.map(|len| len as usize),
            payload: &rest[..stored.payload_len as usize],
        }
    }

    /// Stores a text. A text equal to the one before it is stored once, so that a thousand connections that are all
    /// told the same have equal lists.
    pub fn push_text(&mut self, text: &[u8]) -> Item {
        let equal = |&(start, len): &(usize, usize)| &self.bytes[start..start + len] == text;
        if let Some(near) = self.texts.iter().rev().take(4).position(equal) {
            return Item::text((self.texts.len() - 1 - near) as u32);
        }
        self.texts.push((self.bytes.len(), text.len()));
        self.bytes.extend_from_slice(text);
        Item::text((self.texts.len() - 1) as u32)
    }

    /// The text with this index.
    pub fn text(&self, index: u32) -> &[u8] {
        let (start, len) = self.texts[index as usize];
        &self.bytes[start..start + len]
    }

    /// Forgets everything, and gives back what an unusually large turn had reserved beyond `keep` bytes.
    pub fn clear(&mut self, keep: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(keep);
        self.messages.clear();
        self.texts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Arena, Item, ItemKind, Message};

    #[test]
    fn messages_and_texts_come_back() {
        let mut arena = Arena::default();
        let message =
            Message { subject: b"a.b", reply: Some(b"r"), header_len: Some(3), payload: b"hdrbody" };
        let bare = Message { subject: b"x", reply: None, header_len: None, payload: b"" };
        let (first, second) = (arena.push(message), arena.push(bare));
        assert_eq!(arena.message(first), message);
        assert_eq!(arena.message(second), bare);
        let (pong, ok) = (arena.push_text(b"PONG\r\n"), arena.push_text(b"+OK\r\n"));
        assert_eq!(arena.push_text(b"PONG\r\n"), pong);
        assert_ne!(pong, ok);
        let ItemKind::Text(index) = ok.kind() else { panic!("a text") };
        assert_eq!(arena.text(index), b"+OK\r\n");
        assert_eq!(Item::message(7, true).kind(), ItemKind::Message(7));
        assert_eq!(Item::message(7, false).kind(), ItemKind::WithoutHeaders(7));
    }
}
