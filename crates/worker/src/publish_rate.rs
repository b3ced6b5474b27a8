//! Publishers that are too fast.

use dunlin_session::CloseReason;

use crate::connection::Stage;
use crate::ending::Ending;
use crate::peer_policy::{OverRate, PeerLimits};
use crate::{ConnId, Worker};

impl PeerLimits {
    /// Whether anything about publishing is limited.
    pub(crate) fn has_rates(&self) -> bool {
        !self.publish.is_off() || !self.user_publish.is_off()
    }
}

impl Worker {
    /// Charges a connection for what it has published since the last time. Over its rate, it is not read until that is paid off,
    /// or it is closed.
    pub(crate) fn charge(&mut self, id: ConnId) {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(id) else { return };
        let (Some(rates), Stage::Open) = (&mut conn.rates, conn.stage) else { return };
        let Some(policy) = self.config.policy(conn.listener) else { return };
        let limits = policy.limits;
        if !limits.user_publish.is_off() {
            let user = conn.session.as_ref().and_then(|session| session.description().user);
            rates.set_user(user.unwrap_or_default(), &self.shared.users);
        }
        let published = [conn.traffic.in_msgs, conn.traffic.in_bytes];
        let debt = rates.charge(now, published, [limits.publish, limits.user_publish], limits.burst);
        let Some(until) = debt else { return };
        match limits.over_rate {
            OverRate::Slow => {
                rates.slowed += 1;
                conn.held_until = conn.held_until.max(until);
                self.counters.publish_holds += 1;
            }
            OverRate::Close => {
                self.counters.publish_closures += 1;
                self.end(id, Ending::Session(CloseReason::PublishRate));
            }
        }
    }
}
