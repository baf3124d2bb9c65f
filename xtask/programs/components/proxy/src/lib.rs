//! An HTTP handler: the world `wasi:http/proxy`.

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Handler;

impl wasip2::exports::http::incoming_handler::Guest for Handler {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let headers = Fields::new();
        headers
            .set("x-made-by", &[b"a component".to_vec()])
            .expect("a header");
        let answer = OutgoingResponse::new(headers);
        answer
            .set_status_code(if path.starts_with("/found") { 200 } else { 404 })
            .expect("a status");
        let body = answer.body().expect("a body");
        ResponseOutparam::set(response, Ok(answer));
        let stream = body.write().expect("a stream");
        let text = format!("{:?} {path}", request.method());
        stream
            .blocking_write_and_flush(text.as_bytes())
            .expect("it is written");
        drop(stream);
        OutgoingBody::finish(body, None).expect("it is finished");
    }
}

wasip2::http::proxy::export!(Handler);
