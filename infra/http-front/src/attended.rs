//! Tells a connection's clock of its requests: when one begins, and when its client has taken the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::Service;
use pin_project_lite::pin_project;

use crate::patience::{Clock, Piece, Serving};

/// A service whose requests are told to the clock.
#[derive(Debug)]
pub(crate) struct Attended<S> {
    pub(crate) service: S,
    pub(crate) clock: Arc<Clock>,
    /// HTTP/2 takes a piece of an answer long before its client does, so pieces are followed.
    pub(crate) multiplexed: bool,
}

impl<S, B> Service<Request<Incoming>> for Attended<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    type Response = Response<AttendedBody<B>>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let serving = self.clock.serving();
        let pieces = self.multiplexed.then(|| Arc::clone(&self.clock));
        Answering { answer: self.service.call(request), guards: Some((serving, pieces)) }
    }
}

pin_project! {
    /// A request that is being answered.
    pub(crate) struct Answering<F> {
        #[pin]
        answer: F,
        guards: Option<(Serving, Option<Arc<Clock>>)>,
    }
}

impl<F, B, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<AttendedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.answer.poll(cx))?;
        let (serving, pieces) = this.guards.take().unzip();
        let pieces = pieces.flatten();
        Poll::Ready(Ok(response.map(|body| AttendedBody { body, pieces, _serving: serving })))
    }
}

pin_project! {
    /// The body of an answer: its request is in progress until it is dropped.
    pub(crate) struct AttendedBody<B> {
        #[pin]
        body: B,
        pieces: Option<Arc<Clock>>,
        _serving: Option<Serving>,
    }
}

impl<B: Body<Data = Bytes>> Body for AttendedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        let Some(clock) = this.pieces else { return Poll::Ready(frame) };
        let follow = |bytes: Bytes| {
            let piece = clock.piece(bytes.len());
            Bytes::from_owner(Followed { bytes, _piece: piece })
        };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(follow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes that know how long they wait to be sent.
struct Followed {
    bytes: Bytes,
    _piece: Piece,
}

impl AsRef<[u8]> for Followed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
