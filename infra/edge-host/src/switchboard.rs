//! Who answers a request in one shard: routes lead to components, and of each component one version is
//! at work. A new version is put in its place between two requests; those that the old one has begun
//! keep it until they are answered.

use std::sync::{Mutex, PoisonError};

use http::Uri;

use crate::application::Application;
use crate::routes::RouteTable;

/// The applications of a shard.
pub(crate) struct Switchboard {
    routes: RouteTable,
    // Only the shard's one thread asks, so the locks are free.
    applications: Vec<Mutex<Application>>,
}

impl Switchboard {
    /// One application for each component, in the routes' order.
    pub(crate) fn new(routes: RouteTable, applications: Vec<Application>) -> Self {
        Self { routes, applications: applications.into_iter().map(Mutex::new).collect() }
    }

    /// The application that answers requests for this address.
    pub(crate) fn find(&self, uri: &Uri) -> Option<Application> {
        let current = self.applications.get(self.routes.find(uri)?)?;
        Some(current.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Has further requests answered by another version.
    pub(crate) fn replace(&self, component: usize, application: Application) {
        if let Some(current) = self.applications.get(component) {
            *current.lock().unwrap_or_else(PoisonError::into_inner) = application;
        }
    }
}
