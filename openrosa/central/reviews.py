"""What reviewers say of an interview: its review state, and comments."""

from __future__ import annotations

from openrosa.central.answers import UNEXPECTED, Refused, iso
from openrosa.central.calls import Call, Endpoint
from openrosa.central.submissions import find_interview, show_interview
from schemas.central_tables import REVIEW_STATES
from store.reviews import Comment, add_comment, add_review, list_comments, list_review_log

LONGEST = 10_000


def review(call: Call) -> object:
    """PATCH submissions/I: `{"reviewState": ...}`; null is "received"."""
    body = call.json()
    if "reviewState" not in body:
        call.json("reviewState")
    state = body["reviewState"] if body["reviewState"] is not None else "received"
    if state not in REVIEW_STATES:
        raise Refused(UNEXPECTED, f"reviewState: expected one of {', '.join(REVIEW_STATES)}.")
    row = find_interview(call)
    with call.store.begin() as connection:
        add_review(connection, call.path["form"], row.instance_id, state, call.person.id)
    return show_interview(call)


def _comment(comment: Comment) -> dict[str, object]:
    actor = {"id": comment.person_id, "displayName": comment.person, "type": "user"}
    return {"body": comment.body, "actorId": comment.person_id, "actor": actor, "createdAt": iso(comment.at)}


def comments(call: Call) -> object:
    """GET submissions/I/comments: latest first."""
    row = find_interview(call)
    with call.store.read() as connection:
        return [_comment(found) for found in list_comments(connection, call.path["form"], row.instance_id)]


def comment(call: Call) -> object:
    """POST submissions/I/comments: `{"body": ...}`."""
    body = call.text("body")
    if len(body) > LONGEST:
        raise Refused(UNEXPECTED, f"body: expected at most {LONGEST} characters.")
    row = find_interview(call)
    with call.store.begin() as connection:
        return _comment(add_comment(connection, call.path["form"], row.instance_id, body, call.person.id))


def audits(call: Call) -> object:
    """GET submissions/I/audits: the review states it was given, latest first."""
    row = find_interview(call)
    with call.store.read() as connection:
        log = list_review_log(connection, call.path["form"], row.instance_id)
    return [
        {
            "actorId": entry.person_id,
            "action": "submission.update",
            "details": {"instanceId": entry.instance_id, "reviewState": entry.state},
            "loggedAt": iso(entry.at),
        }
        for entry in log
    ]


_ONE = "/projects/{project}/forms/{form}/submissions/{instance}"
_JSON = "application/json"
_TAG = "Reviews"
ENDPOINTS = (
    Endpoint("PATCH", _ONE, review, "Set its review state.", _TAG, "review_interview", takes=_JSON),
    Endpoint("GET", f"{_ONE}/comments", comments, "The comments, latest first.", _TAG),
    Endpoint("POST", f"{_ONE}/comments", comment, "Comment on it.", _TAG, "review_interview", takes=_JSON),
    Endpoint("GET", f"{_ONE}/audits", audits, "Its review states over time.", _TAG),
)
