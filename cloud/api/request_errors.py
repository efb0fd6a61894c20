"""From the errors of dispatch to answers, and from logins to who acts."""

from collections.abc import Iterator
from contextlib import contextmanager

from cloud.api.answers import ApiError
from cloud.api.services import Services
from cloud.dispatch.contract import Actor, Conflict, NoSuchRequest, NotYours, Refused
from cloud.dispatch.feature import Dispatch
from cloud.dispatch.request import NotPossible
from cloud.registry.roles import Right
from cloud.registry.sessions import Principal


def dispatch_of(services: Services) -> Dispatch:
    """The feature. Only for routes that are there when features are."""
    assert services.features is not None
    return services.features.dispatch


def actor_of(principal: Principal) -> Actor:
    """Who acts, by role. A token acts in its own name, apart from a user's."""
    return Actor(principal.name, principal.may(Right.DISPATCH), principal.may(Right.LOOK))


@contextmanager
def answered() -> Iterator[None]:
    """Errors of dispatch become answers: 404, 403, 409 with the rev there is, 422."""
    try:
        yield
    except NoSuchRequest as error:
        raise ApiError(404, error.code, error.message, error.hint) from None
    except NotYours as error:
        raise ApiError(403, error.code, error.message, error.hint) from None
    except Conflict as error:
        raise ApiError(409, error.code, error.message, error.hint, {"X-Current-Rev": str(error.request.rev)}) from None
    except NotPossible as error:
        rev = {"X-Current-Rev": str(error.request.rev)}
        raise ApiError(409, "not_possible", str(error), error.hint, rev) from None
    except Refused as error:
        raise ApiError(422, error.code, error.message, error.hint) from None
