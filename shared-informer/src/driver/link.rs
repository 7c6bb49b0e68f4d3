//! The client in use. A new one is made when the credential or the authorities have to be read again.

use std::sync::Arc;

use crate::client::{Api, Connector, Error};
use crate::remembered::ClusterId;

pub(super) struct Link {
    connector: Connector,
    api: Option<Arc<Api>>,
    identity: Option<ClusterId>,
}

impl Link {
    pub(super) fn new(connector: Connector, api: Option<Api>) -> Self {
        let identity = api.as_ref().map(Api::identity);
        Self { connector, api: api.map(Arc::new), identity }
    }

    /// The client; made now if there is none.
    pub(super) fn api(&mut self) -> Result<&Arc<Api>, Error> {
        match &mut self.api {
            Some(api) => Ok(api),
            none => {
                let api = self.connector.connect()?;
                self.identity = Some(api.identity());
                Ok(none.insert(Arc::new(api)))
            }
        }
    }

    /// The next request gets a new client. An open watch keeps its own until it is over.
    pub(super) fn renew(&mut self) {
        self.api = None;
    }

    /// The cluster, as the last client knew it.
    pub(super) const fn identity(&self) -> Option<ClusterId> {
        self.identity
    }
}
