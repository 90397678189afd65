"""Given an account bootstrapped under a qualifier of its own, then nothing that is synthesised looks for the CDK's."""

from __future__ import annotations

import json

import pytest

from tests.stacks.assembly import HOME, Synthesised, synthesised

QUALIFIER, THE_CDKS = "ours4711", "hnb659fds"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    context = {"@aws-cdk/core:bootstrapQualifier": QUALIFIER}
    return synthesised(tmp_path_factory.mktemp("elsewhere") / "out", HOME, **context)


def test_no_file_of_the_assembly_names_the_cdks_qualifier(elsewhere: Synthesised, demo: Synthesised) -> None:
    def naming(one: Synthesised, qualifier: str) -> list[str]:
        files = [path for path in sorted(one.folder.glob("*.json")) if path.name != "tree.json"]
        return [path.name for path in files if qualifier in path.read_text()]

    assert naming(elsewhere, THE_CDKS) == []
    assert naming(elsewhere, QUALIFIER) == naming(demo, THE_CDKS) != []


def test_the_setup_reads_its_models_from_the_bucket_they_are_published_to(elsewhere: Synthesised) -> None:
    buckets = {
        destination["bucketName"]
        for file in elsewhere.folder.glob("*.assets.json")
        for asset in json.loads(file.read_text())["files"].values()
        if asset["source"]["path"].endswith(".yaml")
        for destination in asset["destinations"].values()
    }
    read = [
        resource
        for _, statement in elsewhere.identity_statements()
        if "s3:GetObject" in statement["Action"]
        for resource in [json.dumps(statement["Resource"])]
        if ".yaml" in resource
    ]
    assert len(buckets) == 1
    assert read
    (bucket,) = buckets
    assert all(bucket.replace("${AWS::Partition}", "aws") in resource for resource in read), (bucket, read)
