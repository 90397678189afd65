"""The only place that knows the adapters: the services of a function or of a person's command, made once a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from portcullis.access.plan import AccessModel, SubjectKind
from portcullis.correlation import carry
from portcullis.errors import Refused
from portcullis.operations.pages import KEPT
from portcullis.operations.services import Services
from portcullis.ports.engine import Engine
from portcullis.ports.identity import Credential
from portcullis.ports.keys import KeyDesk, KeyObserver
from portcullis.ports.pages import Pages, Shown
from portcullis.ports.registration import (
    Actor,
    Cluster,
    ElasticCloudKeystore,
    EngineUser,
    IamRole,
    Place,
    Registration,
    SsmKeystore,
)
from portcullis.ports.remotes import Keystores
from portcullis.ports.watch import Roads
from portcullis.remotes.connections import Connections
from portcullis.settings import Settings


def _opensearch(transport: Any, endpoint: str, dialect: str | None) -> Engine:
    from portcullis.adapters.engines.opensearch import OpenSearchEngine

    return OpenSearchEngine(transport, endpoint, dialect)


def _elasticsearch(transport: Any, endpoint: str, dialect: str | None) -> Engine:
    from portcullis.adapters.engines.elasticsearch import ElasticsearchEngine
    from portcullis.families.elasticsearch.known.release import Release

    release = Release.of(dialect.split()[0], source=endpoint, place="version") if dialect else None
    return ElasticsearchEngine(transport, endpoint, release)


# Family of engines -> its engine: how it is sent to, what it is called in words, and which dialect it speaks if that is known already.
ENGINES: dict[str, Callable[[Any, str, str | None], Engine]] = {
    "opensearch": _opensearch,
    "elasticsearch": _elasticsearch,
}


def in_aws(settings: Settings) -> Services:
    """The services of a function, or of a person's command: AWS, as the credentials around us."""
    from portcullis import clients
    from portcullis.adapters.alerts.half_told import HalfTold
    from portcullis.adapters.alerts.sns import SnsAlerts, no_link
    from portcullis.adapters.domains.aws import AwsDomain, empty_group, let_into_vpcs
    from portcullis.adapters.domains.connections import AwsConnections
    from portcullis.adapters.edge.aws import AwsEdge
    from portcullis.adapters.endpoints.ssm import ParameterStore
    from portcullis.adapters.engines.documents import OpenSearchDocuments
    from portcullis.adapters.engines.elastic_remotes import ElasticClusterKeys, ElasticRemotes
    from portcullis.adapters.engines.snapshots import OpenSearchSnapshots
    from portcullis.adapters.engines.transport import (
        Transport,
        basic_transport,
        ca_file,
        credential_transport,
        signed_transport,
    )
    from portcullis.adapters.eyes.aws import AwsEyes
    from portcullis.adapters.gates.aws import AwsGate
    from portcullis.adapters.identity.aws import AwsIdentity
    from portcullis.adapters.keys.aws import AwsKeys
    from portcullis.adapters.keystores.files import TOOL, KeystoreFiles
    from portcullis.adapters.keystores.over_https import ElasticCloudKeystores, KubernetesKeystores, sender
    from portcullis.adapters.keystores.ssm import SsmKeystores
    from portcullis.adapters.ledger.dynamo import DynamoLedger
    from portcullis.adapters.pages.asking import ask_for
    from portcullis.adapters.passwords.aws import SecretsManager
    from portcullis.adapters.passwords.keys import KeySecrets
    from portcullis.adapters.queues.sqs import SqsDeadLetters
    from portcullis.adapters.roads.aws import AwsRoads

    def clients_of(registration: Registration) -> Callable[[str], Any]:
        return lambda service: clients.client(service, registration.region)

    def credential(region: str, actor: EngineUser) -> Credential:
        if not actor.secret:
            raise Refused(
                f"nobody here has the password of {actor.name}: whoever runs the cluster gives the automation's user its roles"
            )
        return SecretsManager(clients.client("secretsmanager", region)).credential(actor.secret, actor.name)

    @cache
    def transport(place: Place, region: str, actor: Actor) -> Transport:
        ca = ca_file(place.ca) if place.ca else None
        if isinstance(actor, EngineUser):
            return credential_transport(place.endpoint, partial(credential, region, actor), ca=ca)
        session = clients.role_session(actor.arn, "portcullis") if actor.arn else clients.own_session()
        return signed_transport(place.endpoint, session, region, ca=ca)

    @cache
    def engine(family: str, place: Place, region: str, actor: Actor) -> Engine:
        return ENGINES[family](transport(place, region, actor), place.endpoint, None)

    def engine_as(registration: Registration, actor: Actor | None) -> Engine:
        if actor is None:
            raise Refused(f"{registration.deployment} was deployed without anybody to ask as")
        return engine(registration.family, registration.place, registration.region, actor)

    def as_taker(registration: Registration) -> Transport:
        return transport(registration.place, registration.region, IamRole(registration.snapshot_store().taker))

    def own(registration: Registration) -> Transport:
        return transport(registration.place, registration.region, registration.automation)

    def keystores(registration: Registration) -> Keystores:
        at = registration.place.keystore if isinstance(registration.place, Cluster) else None
        if isinstance(at, SsmKeystore):
            return SsmKeystores(clients.client("ssm", registration.region), at)
        if at is not None:
            names = ElasticRemotes(own(registration), registration.place.endpoint).nodes
            secrets = SecretsManager(clients.client("secretsmanager", registration.region))
            credential, send = partial(secrets.token, at.credential), sender(ca_file(at.ca) if at.ca else None)
            if isinstance(at, ElasticCloudKeystore):
                return ElasticCloudKeystores(at, names, credential, send)
            return KubernetesKeystores(at, names, credential, send)
        folders = settings.keystores.get(registration.deployment, {})
        return KeystoreFiles({node: Path(at) for node, at in folders.items()}, settings.keystore_tool or TOOL)

    def user(registration: Registration, name: str, password: str, dialect: str) -> Engine:
        place = registration.place
        ca = ca_file(place.ca) if place.ca else None
        theirs = basic_transport(place.endpoint, name, password, ca=ca)
        return ENGINES[registration.family](theirs, place.endpoint, dialect)

    def connections(registration: Registration) -> AwsConnections:
        if registration.domain is None:
            raise Refused(f"{registration.deployment} is no domain: Amazon connects domains alone")
        return AwsConnections(clients.client("opensearch", registration.region), registration.domain)

    def roads(registration: Registration | None, access: AccessModel | None) -> Roads:
        granted = [grant.subject for grant in access.grants] if access else []
        region = registration.region if registration else None
        return AwsRoads(
            lambda service: clients.client(service, region),
            groups={one.name for one in granted if one.kind is SubjectKind.COGNITO_GROUP},
            users={one.name for one in granted if one.kind is SubjectKind.COGNITO_USER},
            connections=connections(registration).shown if registration and registration.domain else Connections,
        )

    ledger = DynamoLedger(clients.client("dynamodb"), settings.ledger_table)

    def keys(registration: Registration) -> KeyObserver:
        return AwsKeys(
            clients_of(registration),
            grant_seen=lambda: ledger.saved(registration.deployment, "grant-seen") is not None,
            saw_grant=lambda: ledger.save(registration.deployment, "grant-seen", registration.key.arn),
        )

    def queue_again(queue_arn: str, receipt: str, seconds: int) -> None:
        sqs = clients.client("sqs")
        url = sqs.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[-1])["QueueUrl"]
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=seconds)

    def later(body: str, seconds: int) -> None:
        clients.client("sqs").send_message(QueueUrl=settings.reminders, MessageBody=body, DelaySeconds=seconds)

    @cache
    def own_pages() -> Pages:
        return pages()

    def shown(deployment: str) -> Shown | None:
        """The version that the automation wrote: whoever may look may put another page there, and an alert leads to none of these."""
        page = KEPT.saved(ledger, deployment)
        if page is None:
            return None
        link = own_pages().link(settings.page_of(deployment), page.version, settings.link_minutes * 60)
        return Shown(page.at, link)

    queues = {"identity": settings.identity_dead_letters, "key": settings.key_dead_letters}
    return Services(
        settings=settings,
        ledger=ledger,
        alerts=SnsAlerts(
            clients.client("sns"),
            clients.client("events"),
            topic=settings.alert_topic,
            bus=settings.event_bus,
            page_of=settings.page_of,
            shown=shown if settings.link_minutes else no_link,
            half_told=HalfTold(ledger, lambda: datetime.now(UTC)),
        ),
        engine=lambda registration: engine_as(registration, registration.automation),
        master=lambda registration: engine_as(registration, registration.master),
        canary=lambda registration: engine_as(registration, registration.canary),
        identity=lambda registration: AwsIdentity(
            clients.client,
            user_pool=registration.cognito.user_pool if registration.cognito else "",
            identity_store=registration.identity_store or "",
            account=registration.account,
        ),
        keys=keys,
        gate=lambda registration: AwsGate(clients_of(registration)),
        queue_again=queue_again,
        let_into_vpcs=lambda: let_into_vpcs(clients.client("iam")),
        empty_group=lambda group: empty_group(clients.client("ec2"), group),
        later=later,
        dead_letters=SqsDeadLetters(clients.client("sqs"), queues),
        secrets=lambda registration: SecretsManager(clients.client("secretsmanager", registration.region)),
        domain=lambda registration: AwsDomain(clients.client("opensearch", registration.region)),
        snapshots=lambda registration: OpenSearchSnapshots(as_taker(registration), registration.place.endpoint),
        key_desk=lambda registration: key_desk(registration.region),
        documents=lambda registration: OpenSearchDocuments(as_taker(registration), registration.place.endpoint),
        user=user,
        endpoints=lambda registration: ParameterStore(clients.client("ssm", registration.region)),
        roads=roads,
        cluster_keys=lambda registration: ElasticClusterKeys(own(registration), registration.place.endpoint),
        key_texts=lambda registration: KeySecrets(clients.client("secretsmanager", registration.region)),
        remotes=lambda registration: ElasticRemotes(own(registration), registration.place.endpoint),
        keystores=keystores,
        connections=connections,
        edge=lambda registration: AwsEdge(clients_of(registration)),
        pages=own_pages,
        ask_for_page=lambda deployment: ask_for(clients.client("lambda"), settings.page_door, deployment),
        eyes=AwsEyes(lambda service, region: clients.client(service, region or None)),
        at_once=in_threads,
    )


def in_threads(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """All of them are done when this returns, or raises what the first of them raised."""
    if len(calls) == 1:
        return [calls[0]()]
    with ThreadPoolExecutor(len(calls), initializer=carry()) as pool:
        return [one.result() for one in [pool.submit(call) for call in calls]]


def pages() -> Pages:
    """Where pages are put, as the credentials around us."""
    from portcullis import clients
    from portcullis.adapters.pages.s3 import S3Pages

    return S3Pages(clients.own_session())


def key_desk(region: str) -> KeyDesk:
    """Who can be asked about the keys of a Region, without a deployment."""
    from portcullis import clients
    from portcullis.adapters.keys.desk import AwsKeyDesk

    return AwsKeyDesk(clients.client("kms", region))


@cache
def from_environment() -> Services:
    """The services of a function, made once a process."""
    return in_aws(Settings.from_environment())
