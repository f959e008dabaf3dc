"""Sends one event of a visitor to Tideline, and prints the visitor's profile id. Python 3.9, no packages.

    TIDELINE_URL=https://collect.example.com TIDELINE_SOURCE=shop-web python3 track.py
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

TIMEOUT_SECONDS = 5


def track(url, body, tries=5):
    """Sends the body until it is taken, at most so often. The events' ids make sure that each is stored once."""
    request = urllib.request.Request(
        f"{url}/track",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
        method="POST",
    )
    while True:
        tries -= 1
        pause = 1.0
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # Any other status would be the same again.
            if error.code != 503 or tries <= 0:
                sys.exit(f"the event was not taken: {error.code} {error.read().decode()}")
            pause = float(error.headers.get("retry-after", 1))
        except OSError as error:
            if tries <= 0:
                sys.exit(f"the event was not taken: {error}")
        time.sleep(pause)


answer = track(
    os.environ["TIDELINE_URL"],
    {
        "source": {"id": os.environ["TIDELINE_SOURCE"]},
        # Yours: the same for all events of a visit.
        "session": {"id": os.environ.get("TIDELINE_SESSION") or str(uuid.uuid4())},
        "events": [
            {
                # Yours as well: the same whenever this event is sent.
                "id": os.environ.get("TIDELINE_EVENT") or str(uuid.uuid4()),
                "type": "purchase-order",
                "properties": {"order": "4711", "total": 129.9, "currency": "EUR"},
            }
        ],
    },
)
print(answer["profile"]["id"])
