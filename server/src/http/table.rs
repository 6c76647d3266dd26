//! Routes with the permission each needs, written down once: no route without one can be built, and tests walk the
//! list.

use super::Web;
use super::problem::Refusal;
use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use http::Method;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};

/// A route as it was declared.
#[derive(Debug, Clone)]
pub struct RouteInfo {
    pub method: Method,
    /// With `{placeholders}`, below the table's own prefix.
    pub path: &'static str,
    pub needs: Needs,
}

/// What a route needs. There is no way to add one without saying it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it is before the login.
    Nothing,
    /// A login: it is about whoever asks, whatever their rights.
    Login,
    Permission(Permission),
}

/// Collects routes.
#[derive(Default)]
pub struct Table {
    router: Router<Web>,
    routes: Vec<RouteInfo>,
}

impl Table {
    /// Reads.
    pub fn get<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.add(
            Method::GET,
            path,
            Needs::Permission(permission),
            get(handler),
        )
    }

    /// Changes something.
    pub fn post<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.add(
            Method::POST,
            path,
            Needs::Permission(permission),
            post(handler),
        )
    }

    /// Removes something.
    pub fn delete<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.add(
            Method::DELETE,
            path,
            Needs::Permission(permission),
            delete(handler),
        )
    }

    /// Reads about whoever asks.
    pub fn get_signed_in<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.add(Method::GET, path, Needs::Login, get(handler))
    }

    /// Changes something about whoever asks.
    pub fn post_signed_in<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.add(Method::POST, path, Needs::Login, post(handler))
    }

    /// Removes something about whoever asks.
    pub fn delete_signed_in<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.add(Method::DELETE, path, Needs::Login, delete(handler))
    }

    /// Before the login.
    pub fn post_public<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.add(Method::POST, path, Needs::Nothing, post(handler))
    }

    fn add(
        mut self,
        method: Method,
        path: &'static str,
        needs: Needs,
        handler: MethodRouter<Web>,
    ) -> Self {
        let handler = match needs {
            Needs::Nothing => handler,
            needs => {
                handler.route_layer(from_fn(move |request, next| require(needs, request, next)))
            }
        };
        self.router = self.router.route(path, handler);
        self.routes.push(RouteInfo {
            method,
            path,
            needs,
        });
        self
    }

    /// The routes as a router and as a list.
    pub fn finish(self) -> (Router<Web>, Vec<RouteInfo>) {
        (self.router, self.routes)
    }
}

/// The first of two checks: the port makes the second, with the object in hand.
async fn require(needs: Needs, request: Request, next: Next) -> Response {
    if let Some(refused) = super::once::refused(request.method(), request.headers()) {
        return refused;
    }
    match (request.extensions().get::<Actor>(), needs) {
        (None, _) => Refusal(PortError::Unauthenticated).into_response(),
        (Some(actor), Needs::Permission(permission)) if !actor.may(permission) => {
            Refusal(PortError::denied(permission)).into_response()
        }
        (Some(_), _) => next.run(request).await,
    }
}
