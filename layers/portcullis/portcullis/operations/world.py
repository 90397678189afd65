"""Everything an operation needs of the world, in one value: made once a process, handed to every verb."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from portcullis import words
from portcullis.access.dialects import Dialect
from portcullis.access.plan import AccessModel, SubjectKind
from portcullis.errors import Refused
from portcullis.operations.key_ports import Documents, Endpoints, KeyDesk
from portcullis.operations.ports import (
    Alerts,
    DeadLetters,
    Domain,
    Engine,
    Gate,
    IdentityReader,
    KeyObserver,
    Ledger,
    Registration,
    Secrets,
    Snapshots,
)
from portcullis.operations.watch_ports import Eyes, Roads
from portcullis.settings import Settings


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an operation runs: what the history and the alerts will say."""

    what: str  # event id(s), "sweep", a command line
    actor: str = ""  # ARN or service
    at: str = ""  # ISO 8601, when it happened, if it is known

    def __post_init__(self) -> None:
        words.put(self, what=words.CAUSE, actor=words.ACTOR, at=words.TIME)


def _lacking(what: str) -> Callable[..., Any]:
    """What a world is without unless it is told: asking for it is a mistake of ours, and says so."""

    def ask(*_: Any) -> Any:
        raise LookupError(f"this world has no {what}")

    return ask


class _Blindfolded:
    """The eyes of a world that was given none."""

    look = staticmethod(_lacking("eyes"))


@dataclass(frozen=True, slots=True)
class World:
    """The adapters, behind their protocols. `engine`, `identity`, `keys`, `gate` are made for one deployment."""

    settings: Settings
    ledger: Ledger
    alerts: Alerts
    engine: Callable[[Registration], Engine]  # as the automation
    master: Callable[[Registration], Engine]  # as the master role: only to let the automation in
    canary: Callable[[Registration], Engine]  # as the canary: to prove that a lock holds
    identity: Callable[[Registration], IdentityReader]
    keys: Callable[[Registration], KeyObserver]
    gate: Callable[[Registration], Gate]
    dead_letters: DeadLetters
    queue_again: Callable[
        [str, str, int], None
    ]  # queue ARN, receipt handle, seconds: have a message seen again so soon
    let_into_vpcs: Callable[[], str]  # have the account let the search service make domains in its VPCs; what was done
    remind: Callable[[str, int], None]  # deployment, seconds (900 at most): have its key looked at after so long
    secrets: Callable[[Registration], Secrets]
    domain: Callable[[Registration], Domain]
    snapshots: Callable[[Registration], Snapshots]  # as the snapshot role
    key_desk: Callable[[Registration], KeyDesk] = field(default=_lacking("key desk"))
    documents: Callable[[Registration], Documents] = field(default=_lacking("documents"))  # as the snapshot role
    endpoints: Callable[[Registration], Endpoints] = field(default=_lacking("endpoints"))
    eyes: Eyes = field(default_factory=_Blindfolded)
    # With what is granted, whose roads are looked at; None and None: those of the account.
    roads: Callable[[Registration | None, AccessModel | None], Roads] = field(default=_lacking("roads"))
    user: Callable[[Registration, str, str, Dialect], Engine] = field(
        default=_lacking("connection of an internal user")
    )  # name and password; a user may not be allowed to ask which dialect it is
    postpone: Callable[[str, int], None] = field(
        default=_lacking("postponing")
    )  # a message, seconds (900 at most): have it come again among the reminders
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    sleep: Callable[[float], None] = field(default=time.sleep)


def in_aws(settings: Settings) -> World:
    """The world of a function, or of a person's command: AWS, as the credentials around us."""
    from portcullis import clients
    from portcullis.alerts.sns import SnsAlerts
    from portcullis.dead_letters.sqs import SqsDeadLetters
    from portcullis.domains.aws import AwsDomain, let_into_vpcs
    from portcullis.endpoints.ssm import ParameterStore
    from portcullis.engines.documents import OpenSearchDocuments
    from portcullis.engines.opensearch import OpenSearchEngine
    from portcullis.engines.snapshots import OpenSearchSnapshots
    from portcullis.engines.transport import basic_transport, signed_transport
    from portcullis.eyes.aws import AwsEyes
    from portcullis.gates.aws import AwsGate
    from portcullis.identity.aws import AwsIdentity
    from portcullis.keys.aws import AwsKeys
    from portcullis.keys.desk import AwsKeyDesk
    from portcullis.ledger.dynamo import DynamoLedger
    from portcullis.operations import reminders
    from portcullis.passwords.aws import SecretsManager
    from portcullis.roads.aws import AwsRoads

    def snapshots(registration: Registration) -> Snapshots:
        session = clients.role_session(registration.snapshot_role, "portcullis")
        transport = signed_transport(registration.endpoint, session, registration.region)
        return OpenSearchSnapshots(transport, registration.endpoint)

    def documents(registration: Registration) -> Documents:
        session = clients.role_session(registration.snapshot_role, "portcullis")
        return OpenSearchDocuments(
            signed_transport(registration.endpoint, session, registration.region), registration.endpoint
        )

    @cache
    def engine(endpoint: str, region: str, role: str) -> Engine:
        session = clients.role_session(role, "portcullis") if role else clients.own_session()
        return OpenSearchEngine(signed_transport(endpoint, session, region), endpoint)

    def master(registration: Registration) -> Engine:
        if not registration.master_secret:
            return engine(registration.endpoint, registration.region, registration.master_role)
        secrets = SecretsManager(clients.client("secretsmanager", registration.region))
        password = secrets.password(registration.master_secret)
        if password is None:
            raise Refused(f"the master's secret {registration.master_secret} is gone: the automation cannot be let in")
        transport = basic_transport(registration.endpoint, registration.master_user, password)
        return OpenSearchEngine(transport, registration.endpoint)

    def user(registration: Registration, name: str, password: str, dialect: Dialect) -> Engine:
        transport = basic_transport(registration.endpoint, name, password)
        return OpenSearchEngine(transport, registration.endpoint, dialect)

    def roads(registration: Registration | None, access: AccessModel | None) -> Roads:
        granted = [grant.subject for grant in access.grants] if access else []
        region = registration.region if registration else None
        return AwsRoads(
            lambda service: clients.client(service, region),
            groups={one.name for one in granted if one.kind is SubjectKind.COGNITO_GROUP},
            users={one.name for one in granted if one.kind is SubjectKind.COGNITO_USER},
        )

    ledger = DynamoLedger(clients.client("dynamodb"), settings.ledger_table)

    def keys(registration: Registration) -> KeyObserver:
        return AwsKeys(
            lambda service: clients.client(service, registration.region),
            grant_seen=lambda: ledger.saved(registration.deployment, "grant-seen") is not None,
            saw_grant=lambda: ledger.save(registration.deployment, "grant-seen", registration.key_arn),
        )

    def queue_again(queue_arn: str, receipt: str, seconds: int) -> None:
        sqs = clients.client("sqs")
        url = sqs.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[-1])["QueueUrl"]
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=seconds)

    def remind(deployment: str, seconds: int) -> None:
        sqs, body = clients.client("sqs"), reminders.written(deployment)
        sqs.send_message(QueueUrl=settings.reminders, MessageBody=body, DelaySeconds=seconds)

    def postpone(body: str, seconds: int) -> None:
        clients.client("sqs").send_message(QueueUrl=settings.reminders, MessageBody=body, DelaySeconds=seconds)

    queues = {"identity": settings.identity_dead_letters, "key": settings.key_dead_letters}
    return World(
        settings=settings,
        ledger=ledger,
        alerts=SnsAlerts(
            clients.client("sns"), clients.client("events"), topic=settings.alert_topic, bus=settings.event_bus
        ),
        engine=lambda registration: engine(registration.endpoint, registration.region, registration.automation_role),
        master=master,
        canary=lambda registration: engine(registration.endpoint, registration.region, registration.canary_role),
        identity=lambda registration: AwsIdentity(
            clients.client,
            user_pool=registration.user_pool,
            identity_store=registration.identity_store,
            account=registration.account,
        ),
        keys=keys,
        gate=lambda registration: AwsGate(lambda service: clients.client(service, registration.region)),
        queue_again=queue_again,
        let_into_vpcs=lambda: let_into_vpcs(clients.client("iam")),
        remind=remind,
        postpone=postpone,
        dead_letters=SqsDeadLetters(clients.client("sqs"), queues),
        secrets=lambda registration: SecretsManager(clients.client("secretsmanager", registration.region)),
        domain=lambda registration: AwsDomain(clients.client("opensearch", registration.region)),
        snapshots=snapshots,
        key_desk=lambda registration: AwsKeyDesk(clients.client("kms", registration.region)),
        documents=documents,
        user=user,
        endpoints=lambda registration: ParameterStore(clients.client("ssm", registration.region)),
        roads=roads,
        eyes=AwsEyes(lambda service, region: clients.client(service, region or None)),
    )


@cache
def from_environment() -> World:
    """The world of a function, made once a process."""
    return in_aws(Settings.from_environment())
