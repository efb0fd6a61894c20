"""The states of all kinds of resources, each from the feature that knows them."""

from collections.abc import Mapping, Sequence

from cloud.assets.contract import Resources, ResourceState


class JoinedResources:
    """See ``cloud.assets.contract.Resources``. Of a kind that nobody looks after no state is known."""

    def __init__(self, by_kind: Mapping[str, Resources]) -> None:
        self._by_kind = by_kind

    def states(self, site: str, kind: str) -> Sequence[ResourceState]:
        known = self._by_kind.get(kind)
        return known.states(site, kind) if known is not None else ()
