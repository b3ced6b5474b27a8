//! `/healthz`.

use serde::Serialize;

use crate::error::BadParameter;
use crate::query::Query;

/// The answer of `/healthz`, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Healthz {
    /// `ok`.
    pub status: &'static str,
}

impl Healthz {
    /// The answer of a server that runs and has no JetStream, whatever the request asks about.
    ///
    /// # Errors
    /// A parameter has a bad value.
    pub fn answer(query: &Query) -> Result<Self, BadParameter> {
        for name in ["js-enabled-only", "js-server-only", "js-meta-only", "details"] {
            query.boolean(name)?;
        }
        Ok(Self { status: "ok" })
    }
}
