//! Event ids, pure functions of the stored request: processing it again yields the same ids.

use uuid::Uuid;

/// The id of the event at `index` of a request whose client sent no id for it.
#[must_use]
pub fn event_id(request_id: Uuid, index: usize) -> String {
    derive(request_id, &format!("event:{index}"))
}

/// The id of an event of `event_type` that the platform adds to a request. A request adds at most one of a type.
#[must_use]
pub fn system_event_id(request_id: Uuid, event_type: &str) -> String {
    derive(request_id, &format!("system:{event_type}"))
}

fn derive(request_id: Uuid, name: &str) -> String {
    Uuid::new_v5(&request_id, name.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_request_and_position_alone() {
        let request = Uuid::from_u128(7);
        assert_eq!(event_id(request, 0), event_id(request, 0));
        assert_ne!(event_id(request, 0), event_id(request, 1));
        assert_ne!(event_id(request, 0), event_id(Uuid::from_u128(8), 0));
        assert_ne!(event_id(request, 0), system_event_id(request, "event:0"));
    }
}
