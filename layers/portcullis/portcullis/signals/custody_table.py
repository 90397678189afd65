"""The rows of KMS, OpenSearch Service and the domain's network: the key, the domain, and the road to it."""

from __future__ import annotations

from portcullis.signals.rows import About, Notice, nothing, signals
from portcullis.signals.types import Concern

KMS = (
    *signals(
        Concern.KEY,
        "kms",
        About.KEY,
        ("DisableKey", "key-disabled", "the key was disabled: nothing can be encrypted or decrypted with it"),
        ("EnableKey", "key-enabled", "the key was enabled"),
        ("ScheduleKeyDeletion", "key-deletion-scheduled", "the key is pending deletion, and unusable from now on"),
        (
            "CancelKeyDeletion",
            "key-deletion-cancelled",
            "the deletion was called off; the key is disabled until somebody enables it",
        ),
        ("DeleteKey", "key-deleted", "the key is gone for good"),
        ("ImportKeyMaterial", "key-material-imported", "key material was imported: the key may be usable again"),
        (
            "DeleteImportedKeyMaterial",
            "key-material-deleted",
            "the imported key material was deleted: the key is unusable",
        ),
        (
            "DeleteExpiredKeyMaterial",
            "key-material-expired",
            "the imported key material has expired: the key is unusable",
        ),
        (
            "PutKeyPolicy",
            "key-policy-changed",
            "the key policy changed: the service may have lost the key, or got it back",
        ),
        ("CreateGrant", "key-grant-created", "a grant was made on the key"),
        ("RetireGrant RevokeGrant", "key-grant-revoked", "a grant on the key is gone: it may have been the service's"),
        ("RotateKey", "key-rotated", "the key has new material under the same id"),
        (
            "EnableKeyRotation DisableKeyRotation RotateKeyOnDemand",
            "key-rotation-changed",
            "when the key rotates was changed, or a rotation was asked for",
        ),
        (
            "ReplicateKey UpdatePrimaryRegion SynchronizeMultiRegionKey",
            "key-replica-changed",
            "the key in other Regions changed: a replica, or which one is the primary",
        ),
    ),
    *signals(
        Concern.KEY,
        "kms",
        About.KEY_ALIAS,
        (
            "CreateAlias UpdateAlias DeleteAlias",
            "key-alias-changed",
            "the alias stands for another key now, or for none: manual rotation",
        ),
    ),
    *signals(
        Concern.KEY,
        "kms",
        About.KEY_STORE,
        ("DisconnectCustomKeyStore", "key-store-disconnected", "the key store was disconnected: its keys are unusable"),
        ("ConnectCustomKeyStore", "key-store-connected", "the key store was connected"),
        ("UpdateCustomKeyStore", "key-store-changed", "the key store's cluster, proxy or password changed"),
        ("DeleteCustomKeyStore", "key-store-deleted", "the key store is gone"),
    ),
    *nothing(
        "kms",
        (
            "Decrypt DeriveSharedSecret Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext"
            " GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom ReEncrypt Sign Verify VerifyMac",
            "uses a key and does not change it",
        ),
        ("CreateKey CreateCustomKeyStore", "what is new belongs to no deployment"),
        (
            "TagResource UntagResource UpdateKeyDescription",
            "changes tags or the description: not the key's state, policy, grants or material",
        ),
    ),
)

OPENSEARCH = (
    *signals(
        Concern.DOMAIN,
        "es",
        About.DOMAIN,
        (
            "UpdateDomainConfig UpdateElasticsearchDomainConfig CancelDomainConfigChange",
            "domain-changed",
            "the domain's configuration changed: access policy, encryption, sign-in, network or fine-grained access control",
        ),
        (
            "UpgradeDomain UpgradeElasticsearchDomain",
            "domain-changed",
            "the domain is moving to another engine version",
        ),
        (
            "AuthorizeVpcEndpointAccess RevokeVpcEndpointAccess CreateVpcEndpoint UpdateVpcEndpoint DeleteVpcEndpoint",
            "domain-changed",
            "who has a road to the domain changed: a VPC endpoint is not closed by the domain's own security group",
        ),
        (
            "AcceptInboundConnection AcceptInboundCrossClusterSearchConnection CreateOutboundConnection"
            " CreateOutboundCrossClusterSearchConnection DeleteInboundConnection DeleteInboundCrossClusterSearchConnection"
            " DeleteOutboundConnection DeleteOutboundCrossClusterSearchConnection RejectInboundConnection"
            " RejectInboundCrossClusterSearchConnection",
            "domain-changed",
            "which other domains read this one, or are read from it, changed: the domain's security group has no say in that",
        ),
        ("DeleteDomain DeleteElasticsearchDomain", "domain-deleted", "the domain is being deleted, with its data"),
    ),
    *nothing(
        "es",
        ("CreateDomain CreateElasticsearchDomain", "a new domain belongs to no deployment until it is set up"),
        (
            "CancelElasticsearchServiceSoftwareUpdate CancelServiceSoftwareUpdate RollbackServiceSoftwareUpdate"
            " StartDomainMaintenance StartElasticsearchServiceSoftwareUpdate StartServiceSoftwareUpdate UpdateScheduledAction",
            "maintenance of the service software: neither who is let in nor how data is encrypted changes",
        ),
        (
            "AddDataSource AddDirectQueryDataSource AssociatePackage AssociatePackages AttachDataSource CreateApplication CreateIndex"
            " CreatePackage DeleteApplication DeleteDataSource DeleteDirectQueryDataSource DeleteIndex DeletePackage"
            " DeregisterCapability DetachDataSource DissociatePackage DissociatePackages InsightFeedback"
            " PutDefaultApplicationSetting RegisterCapability StartMigration UpdateApplication UpdateDataSource"
            " UpdateDirectQueryDataSource UpdateIndex UpdatePackage UpdatePackageScope",
            "changes packages, data sources, indices or applications, not who is let in or how data is encrypted",
        ),
        (
            "AddTags RemoveTags PurchaseReservedElasticsearchInstanceOffering PurchaseReservedInstanceOffering"
            " DeleteElasticsearchServiceRole",
            "changes tags, bills or the service's own role, not who is let in or how data is encrypted",
        ),
    ),
)

# A security group is a domain's only because a deployment says so: without a deployment to ask, these mean nothing.
NETWORK = signals(
    Concern.DOMAIN,
    "ec2",
    About.SECURITY_GROUP,
    (
        "AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress ModifySecurityGroupRules DeleteSecurityGroup",
        "ingress-changed",
        "who can reach the domain over the network changed, perhaps while it is locked",
    ),
)

# A role is break-glass only because a deployment says so: without a deployment to ask, these mean nothing. CloudTrail calls them reading.
BREAK_GLASS = signals(
    Concern.BREAK_GLASS,
    "sts",
    About.BREAK_GLASS,
    (
        "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity",
        "break-glass-used",
        "somebody took the role that is let in while the deployment is locked",
    ),
)

NOTICES: tuple[Notice, ...] = (
    Notice(
        "kms",
        "KMS CMK Rotation",
        "",
        "",
        "key-rotated",
        "the key has new material under the same id",
        Concern.KEY,
        About.KEY,
    ),
    Notice(
        "kms",
        "KMS Imported Key Material Expiration",
        "",
        "",
        "key-material-expired",
        "the imported key material has expired: the key is unusable",
        Concern.KEY,
        About.KEY,
    ),
    Notice("kms", "KMS CMK Deletion", "", "", "key-deleted", "the key is gone for good", Concern.KEY, About.KEY),
    Notice("kms", "", "", "", None, "a notice of KMS that is not about a key's rotation, material or deletion"),
    Notice(
        "es",
        "",
        "kms key inaccessible",
        "",
        "domain-key-inaccessible",
        "the domain says that it cannot use its key",
        Concern.DOMAIN,
        About.DOMAIN,
    ),
    Notice(
        "es",
        "",
        "domain isolation",
        "",
        "domain-isolated",
        "the domain was cut off by AWS",
        Concern.DOMAIN,
        About.DOMAIN,
    ),
    Notice(
        "es",
        "Domain Error Notification",
        "",
        "",
        "domain-error",
        "the domain reports an error",
        Concern.DOMAIN,
        About.DOMAIN,
    ),
    Notice(
        "es",
        "Amazon OpenSearch Service Domain Update Notification",
        "",
        "failed",
        "domain-update-failed",
        "a change of the domain's configuration was refused: what was asked for is not in force",
        Concern.DOMAIN,
        About.DOMAIN,
    ),
    Notice(
        "es",
        "Amazon OpenSearch Service Domain Update Notification",
        "",
        "",
        "domain-changed",
        "the domain's configuration is changing or has changed",
        Concern.DOMAIN,
        About.DOMAIN,
    ),
    Notice(
        "es", "", "", "", None, "a routine notice: the domain's health or upkeep, not its key, access or configuration"
    ),
    Notice(
        "cloudwatch",
        "CloudWatch Alarm State Change",
        "kmskey",
        "alarm",
        "domain-key-inaccessible",
        "an alarm on the domain's KMSKeyError or KMSKeyInaccessible went off",
        Concern.DOMAIN,
        About.DOMAIN,
    ),
    Notice(
        "cloudwatch",
        "CloudWatch Alarm State Change",
        "kmskey",
        "ok",
        "domain-key-accessible",
        "the alarm on the domain's KMSKeyError or KMSKeyInaccessible is over",
        Concern.DOMAIN,
        About.DOMAIN,
    ),
    Notice("cloudwatch", "", "", "", None, "an alarm that is not about a domain's key"),
    Notice(
        "health",
        "",
        "",
        "",
        None,
        "AWS Health informs people; what happens to a key or a domain is an event of its own",
    ),
    Notice("config", "", "", "", None, "AWS Config repeats what CloudTrail has told, later"),
)
