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
    /// `None`: before the login.
    pub permission: Option<Permission>,
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
        self.add(Method::GET, path, Some(permission), get(handler))
    }

    /// Changes something.
    pub fn post<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.add(Method::POST, path, Some(permission), post(handler))
    }

    /// Removes something.
    pub fn delete<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.add(Method::DELETE, path, Some(permission), delete(handler))
    }

    /// Before the login.
    pub fn post_public<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.add(Method::POST, path, None, post(handler))
    }

    fn add(
        mut self,
        method: Method,
        path: &'static str,
        permission: Option<Permission>,
        handler: MethodRouter<Web>,
    ) -> Self {
        let handler = match permission {
            Some(permission) => handler.route_layer(from_fn(move |request, next| {
                require(permission, request, next)
            })),
            None => handler,
        };
        self.router = self.router.route(path, handler);
        self.routes.push(RouteInfo {
            method,
            path,
            permission,
        });
        self
    }

    /// The routes as a router and as a list.
    pub fn finish(self) -> (Router<Web>, Vec<RouteInfo>) {
        (self.router, self.routes)
    }
}

/// The first of two checks: the port makes the second, with the object in hand.
async fn require(permission: Permission, request: Request, next: Next) -> Response {
    match request.extensions().get::<Actor>() {
        None => Refusal(PortError::Unauthenticated).into_response(),
        Some(actor) if !actor.may(permission) => {
            Refusal(PortError::denied(permission)).into_response()
        }
        Some(_) => next.run(request).await,
    }
}
