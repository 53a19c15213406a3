//! Who asks, as handlers get it from the gate.

use crate::error::Problem;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use certyard_domain::Scope;
use certyard_domain::people::{Origin, Principal};
use std::future::{Ready, ready};
use std::rc::Rc;

/// Whoever the gate let in.
#[derive(Clone)]
pub(crate) struct Caller(pub Rc<Principal>);

impl Caller {
    /// What they may do and see.
    pub(crate) fn scope(&self) -> &Scope {
        &self.0.scope
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            request
                .extensions()
                .get::<Self>()
                .cloned()
                .ok_or_else(|| Problem::unauthenticated("no_credential", "sign in")),
        )
    }
}

/// Where the request came from.
pub(crate) struct From(pub Origin);

impl FromRequest for From {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(
            request.extensions().get::<Origin>().cloned().unwrap_or_default(),
        )))
    }
}
