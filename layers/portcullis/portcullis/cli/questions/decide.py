"""`portcullis decide`: a question about access in, the decision and its reasons out."""

from __future__ import annotations

from typing import Any

import click

from portcullis.cli.console import console, output_options
from portcullis.cli.json_files import read_json
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding import question as elasticsearch
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.limiting.known import known

# The engine of a question -> whose built-in action groups it has, unless the question brings its own.
_BUILT_IN = {"6.x": "Elasticsearch_6.8", "7.x": "Elasticsearch_7.10", "opensearch": "OpenSearch_3.3"}


@click.command(short_help="Decide a request by a security config, and say why.")
@click.argument("file", metavar="FILE|-")
@output_options
def decide(file: str) -> None:
    """Decide whether a principal may do what they ask, by a security config as the engine's GET shows it, and say why.

    FILE is a JSON object: engine (opensearch, 7.x or 6.x), security (roles, rolesmapping, internalusers, actiongroups),
    principal (name, backend_roles, attributes), request (action, indices, options; or method, path, body), world
    (indices, aliases, streams, hidden, closed, blocks, fields, release, now; and settings of the engine as it calls them, such as
    do_not_fail_on_forbidden and privileges_evaluation_type). Of an alias its indices, or of each its filter or null.
    "-" is standard input.

    For Elastic's own Elasticsearch: engine elasticsearch-VERSION (9, 8, 7.17, 6.8), security (roles, users, role_mappings),
    principal (name, realm, groups, metadata; or roles outright; run_as; api_key with role_descriptors and limited_by as the
    engine shows it), request (method, path, body; or action, indices), world (indices, aliases, data_streams, blocks). Of an
    API key a view's `within` is what the key lets through: both have to.

    A search on other clusters (ALIAS:INDEX in the path) takes remotes: by alias the model (api-key, certificate), the key
    (state, access), security (roles there, for the certificate model), world, skip_unavailable, engine if it is another.
    The answer has remotes, too: by alias what is seen, or which side refuses and by what: no-remote-indices, key, roles,
    key-and-roles, key-state.

    For OpenSearch remotes have by alias engine, security and world as the question itself, and skip_unavailable. There each need
    has remotes: by alias what the other cluster says of its part; left_out: it refuses, and the rest is answered without it.

    Either takes documents: a list of documents, or of hits of a search, which say where they are (_index). The answer says
    of each whether it is seen, and what is left of it; null where only the engine can tell what a filter finds.

    Prints one JSON object: allowed (null where only the engine can tell), the visible indices, and of each its document
    filter, fields, masks and reasons; under unknown what only the engine can tell, under notes what a request that is let in
    may be refused for all the same, or shows beyond its views.
    Nothing is asked of an engine.

    \b
    Examples:
      portcullis decide question.json
      portcullis decide - < question.json | jq .reasons
    """
    try:
        console().data(_answered(read_json(file), file))
    except RecursionError as error:
        raise BadInput(
            "is nested too deep", source=file, remedy="a question as `portcullis decide --help` shows it"
        ) from error


def _answered(question: Any, file: str) -> Any:
    engine = question.get("engine", "opensearch") if isinstance(question, dict) else "opensearch"
    if not isinstance(engine, str):
        raise BadInput("is of the wrong kind", source=file, place="engine", remedy="a string")
    if isinstance(question, dict) and elasticsearch.is_of_this_family(engine):
        return elasticsearch.answer_question(question, source=file)
    built_in = known(_BUILT_IN.get(engine, _BUILT_IN["opensearch"])).action_groups
    return answer(question, built_in, source=file)
