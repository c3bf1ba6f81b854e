"""Every error a person can meet, as one tree.

RefactError            500  failed: the sentence says what happened; the hint says what to do
├── BadRequest         400  the caller's words are off
├── Unauthorised       401  a key is wanted, or another one
├── NotFound           404  no such source, run, checkpoint, model …
├── Conflict           409  the name is taken, or the thing is in the wrong state for this
├── Refused            409  would lose something; agreeing explicitly (`--yes`) goes on
├── TooLarge           413  over a limit
├── TooMany            429  this key has asked too often (`retry_after_s`)
├── Elsewhere          502  another server, from which a model is passed through, failed
├── Overloaded         503  come back later (`retry_after_s`)
└── NotReady           503  the thing is still starting, or has failed
"""


class RefactError(Exception):
    """An error with a sentence for the user and a hint what to do; `code` is stable for scripts."""

    status = 500
    code = "failed"

    def __init__(self, message: str, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class BadRequest(RefactError):
    """What the caller said cannot be meant, or is out of its range."""

    status = 400
    code = "bad_request"


class Unauthorised(RefactError):
    """No key came, or one that is not known here."""

    status = 401
    code = "invalid_api_key"


class NotFound(RefactError):
    """What was named is not there."""

    status = 404
    code = "not_found"


class Conflict(RefactError):
    """It cannot be done in the state that the thing is in; a name may be taken."""

    status = 409
    code = "conflict"


class Refused(RefactError):
    """It would lose something; asked again with agreement (`--yes`) it is done."""

    status = 409
    code = "refused"


class TooLarge(RefactError):
    """Over a limit that the sentence names."""

    status = 413
    code = "too_large"


class TooMany(RefactError):
    """A key's own limit is reached; `retry_after_s` says when to ask again."""

    status = 429
    code = "rate_limit_exceeded"

    def __init__(self, message: str, hint: str = "", retry_after_s: int = 1) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class Elsewhere(RefactError):
    """A server elsewhere did not answer, or not as it should."""

    status = 502
    code = "elsewhere"


class Overloaded(RefactError):
    """More is asked than fits; `retry_after_s` says when to ask again."""

    status = 503
    code = "overloaded"
    retry_after_s = 1


class NotReady(RefactError):
    """What would answer is not there yet, or has failed."""

    status = 503
    code = "not_ready"
