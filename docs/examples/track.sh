#!/bin/sh
# Sends one event of a visitor to Tideline, and prints the visitor's profile id.
#
#   TIDELINE_URL=https://collect.example.com TIDELINE_SOURCE=shop-web sh track.sh
set -eu

: "${TIDELINE_URL:?the address of your edge, as https://collect.example.com}"
: "${TIDELINE_SOURCE:?the id of an event source of type rest}"

# Yours: the same for all events of a visit, and the same for an event whenever it is sent.
session=${TIDELINE_SESSION:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}
event=${TIDELINE_EVENT:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}

body='{
  "source": {"id": "'$TIDELINE_SOURCE'"},
  "session": {"id": "'$session'"},
  "events": [{
    "id": "'$event'",
    "type": "purchase-order",
    "properties": {"order": "4711", "total": 129.9, "currency": "EUR"}
  }]
}'

# curl waits and sends the same again after 503, without a connection, and without an answer in time. The event's id
# makes sure that it is stored once, whatever arrived.
answer=$(curl --silent --show-error --fail-with-body --max-time 5 --retry 5 --retry-connrefused \
  --header 'content-type: application/json' --data "$body" "$TIDELINE_URL/track") || {
  echo "the event was not taken: $answer" >&2
  exit 1
}
echo "$answer" | sed 's/.*"profile":{"id":"\([^"]*\)".*/\1/'
