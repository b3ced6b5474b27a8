//! One use of each crate.

use dunlin_nats_protocol as _;
use dunlin_permessage_deflate as _;
use dunlin_subject as _;
use dunlin_websocket as _;

/// Each returns whether what it tried went well.
pub(crate) const ALL: [fn() -> bool; 1] = [|| true];
