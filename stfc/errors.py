"""Every error of the product, as facts; the sentences stand in ``stfc.domain.text``.

    StfcError
    ├── InvalidInputError            USO-INV   a value from outside is not of its form
    ├── NotFoundError                USO-NAO   nothing of that name exists
    ├── NotAllowedError              USO-PER   the role may not do this
    ├── LoginEndedError              USO-ENT   the person's login has ended, nothing was done
    ├── NotPossibleError             USO-EST   the thing's state does not allow this
    ├── ApprovalRequestedError       USO-SEG   nothing is done yet: another manager must confirm it
    ├── SettingsError                CFG-INV   a setting is missing or wrong
    ├── HomeVersionError             CFG-VER   the home was written by another version
    ├── StorageError                 ARM-ESC   disk full, read-only or a broken file
    ├── ImportRefusedError           IMP-REC   the ERP dump breaks a rule; nothing changed
    ├── PlansRefusedError            PLA-REC   a file of tariff plans breaks a rule; nothing changed
    ├── StaleSnapshotError           IMP-MUD   the snapshot changed under a transaction
    ├── PlatformError                what the platform Summit does to us (PRODUCT 10)
    │   ├── FileNotAvailableError    SUM-404
    │   ├── CredentialsRefusedError  SUM-401
    │   ├── ThrottledError           SUM-429
    │   ├── ServerFaultError         SUM-5XX
    │   ├── PlatformTimeoutError     SUM-TMO
    │   ├── ConnectionBrokenError    SUM-NET
    │   ├── SubscriberUnknownError   SUM-SUB
    │   ├── ProvisioningRefusedError SUM-422
    │   └── NoPlatformError          SUM-CFG   no platform is configured
    └── BillingFileError             what a billing file does to us (PRODUCT 10)
        ├── FileFormatError          ARQ-FMT
        └── ChecksumError            ARQ-SHA

Each takes facts by keyword. ``text.error`` turns code and facts into a Portuguese sentence at the edge.
"""

from dataclasses import dataclass
from typing import Any, ClassVar


class StfcError(Exception):
    """The root. ``code`` is stable and shown to users; ``facts`` are what the sentence needs."""

    code: ClassVar[str] = "STF-000"

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code, facts)
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross process borders inside chunk results; keyword facts need help to pickle.
        return _restore, (type(self), self.facts)

    def __str__(self) -> str:
        return f"{self.code} {self.facts}"


def _restore(kind: type[StfcError], facts: dict[str, Any]) -> StfcError:
    return kind(**facts)


class InvalidInputError(StfcError):
    """A value that a person, a script or a file gave is not of its form (``field``, ``value``, ``cause``)."""

    code = "USO-INV"


class NotFoundError(StfcError):
    """Nothing of that name exists (``kind``, ``key``)."""

    code = "USO-NAO"


class NotAllowedError(StfcError):
    """The role may not do this (``role``, ``action``)."""

    code = "USO-PER"


class LoginEndedError(StfcError):
    """The person's login has ended by time or by leaving; the act was not done."""

    code = "USO-ENT"


class NotPossibleError(StfcError):
    """The state of the thing does not allow the act (``cause``: a key of ``text.NOT_POSSIBLE``, which facts fill)."""

    code = "USO-EST"


class ApprovalRequestedError(StfcError):
    """The act waits for another manager's confirmation and nothing is done yet (``approval``, ``action``,
    ``expires_at``, and what ``ports.Approval.shown`` says of the act)."""

    code = "USO-SEG"


class SettingsError(StfcError):
    """A setting is missing or wrong (``setting``, ``cause``)."""

    code = "CFG-INV"


class HomeVersionError(StfcError):
    """The home was written by another version of the product (``home``, ``found``, ``expected``)."""

    code = "CFG-VER"


class StorageError(StfcError):
    """The disk is full or read-only, or a file of ours is broken (``place``, ``cause``)."""

    code = "ARM-ESC"


@dataclass(frozen=True)
class ImportProblem:
    """One reason why a dump is refused: ``line`` counts from 1, the header; 0 when the whole file is meant."""

    file: str
    line: int
    column: str
    cause: str


class ImportRefusedError(StfcError):
    """The dump breaks rules of ERP_IMPORT; nothing has changed (``problems``: list of ``ImportProblem``)."""

    code = "IMP-REC"


@dataclass(frozen=True)
class PlanProblem:
    """One reason why a file of plans is refused: ``key`` as ``plan[1].price.LOCAL``, empty when the file is meant."""

    key: str
    cause: str


class PlansRefusedError(StfcError):
    """The plans break rules of PLANS; nothing has changed (``problems``: list of ``PlanProblem``)."""

    code = "PLA-REC"


class StaleSnapshotError(StfcError):
    """The ERP snapshot that rules were evaluated on is no longer the current one (``evaluated``, ``current``)."""

    code = "IMP-MUD"


class PlatformError(StfcError):
    """Anything the platform does to us. ``is_transient`` says whether trying again by itself makes sense."""

    is_transient: ClassVar[bool] = False


class FileNotAvailableError(PlatformError):
    """The platform has no file yet; the item waits (``contract``, ``competence``)."""

    code = "SUM-404"


class CredentialsRefusedError(PlatformError):
    """The platform refuses our token; the batch pauses (``status``)."""

    code = "SUM-401"


class ThrottledError(PlatformError):
    """The platform asks us to slow down (``retry_after``: seconds or None)."""

    code = "SUM-429"
    is_transient = True


class ServerFaultError(PlatformError):
    """A 5xx, or an answer that is not of the agreed form (``status``, ``cause``, ``retry_after``)."""

    code = "SUM-5XX"
    is_transient = True


class PlatformTimeoutError(PlatformError):
    """No answer in time (``phase``: connect, read or whole; ``seconds``)."""

    code = "SUM-TMO"
    is_transient = True


class ConnectionBrokenError(PlatformError):
    """No connection, or one that broke off (``cause``)."""

    code = "SUM-NET"
    is_transient = True


class SubscriberUnknownError(PlatformError):
    """The platform does not know the contract (``contract``)."""

    code = "SUM-SUB"


class ProvisioningRefusedError(PlatformError):
    """The platform refuses a subscriber's data (``contract``, ``reason``: the platform's own code)."""

    code = "SUM-422"


class NoPlatformError(PlatformError):
    """No platform is configured, so there is nobody to ask (PRODUCT 3)."""

    code = "SUM-CFG"


class BillingFileError(StfcError):
    """Anything wrong with a billing file's content."""

    is_transient: ClassVar[bool] = False


class FileFormatError(BillingFileError):
    """The file is not of the agreed form (``line`` from 1, ``cause`` a key of ``text.FILE_CAUSES``, ``value``)."""

    code = "ARQ-FMT"


class ChecksumError(BillingFileError):
    """The content does not match its announced checksum (``announced``, ``computed``)."""

    code = "ARQ-SHA"
    is_transient = True
