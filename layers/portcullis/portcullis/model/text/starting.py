"""The presets as files to start from."""

from __future__ import annotations

from importlib.resources import files

from portcullis.errors import BadInput
from portcullis.model import names
from portcullis.model.names import Wrong

PRESETS: dict[str, str] = {
    "layered": "four levels of access on the same indices (super user, application, support, dashboard), sign-in through Cognito",
    "cognito": "IAM for the API, Cognito for Dashboards; an IAM master",
    "internal": "user names and passwords of the internal user database, seed users among them",
    "api": "IAM for the API, Dashboards shut; an IAM master",
    "layered-elasticsearch": "the same four levels on an Elasticsearch cluster that runs elsewhere; people are its native users",
}


def start(deployment: str, preset: str) -> str:
    """The text of a new deployment file, commented and valid. BadInput for a name or a preset that will not do."""
    try:
        names.check("a deployment's name", deployment)
    except Wrong as wrong:
        raise BadInput(wrong.problem, source="NAME", remedy=wrong.remedy) from None
    if preset not in PRESETS:
        raise BadInput(
            f"there is no preset {names.shown(preset)}", source="--preset", remedy=names.did_you_mean(preset, PRESETS)
        )
    return _template(preset).replace("__NAME__", deployment)


def start_account() -> str:
    """The text of a new account file, commented and valid."""
    return _template("account")


def _template(name: str) -> str:
    return files("portcullis.model.text.templates").joinpath(f"{name}.yaml").read_text("utf-8")
