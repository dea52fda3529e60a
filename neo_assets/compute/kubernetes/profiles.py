"""The profiles file: what kind of pod each of the jobs' profiles is on a cluster.

Keys of our own are written with underscores. What stands under `pod`, `volumes`, `volume_mounts` and `env_from` is
Kubernetes' own (camelCase), and is checked against its models when the first pod is built.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, Self, get_args

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from neo_assets.compute.protocol import Profile, SettingError
from neo_assets.recipe.base import Section

VARIABLE = "NEO_POD_PROFILES"
DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
OWN_VARIABLES = ("NEO_LAKE", "NEO_JOB", "NEO_NODES", "NEO_NODE_RANK", "NEO_RENDEZVOUS", "NEO_NODE_FOLDER")
"""Set in every pod, from what it is to do; a profile that sets one would send the pod elsewhere."""


class ProfilesError(SettingError):
    """A profiles file that cannot be used: says which key of it, and why."""


class PodProfile(Section):
    """A kind of pod."""

    nodes: int = Field(default=1, ge=1, le=1024, description="Machines that a training takes; other jobs take one.")
    gpus_per_node: int = Field(default=0, ge=0, le=64, description="GPUs of each pod, as its limit.")
    gpu_resource: str = Field(default="nvidia.com/gpu", pattern=r"^[a-z0-9.-]+/[A-Za-z0-9._-]+$")
    as_job: bool = Field(default=False, description="One machine, but as a Job: Kubernetes itself replaces its pod.")
    relaunches: int = Field(default=3, ge=0, le=1000, description="New pods after evictions, lost nodes and the like.")
    pending_timeout_seconds: float | None = Field(
        default=None, gt=0, description="A pod that has not started by then fails; none: it waits for its place."
    )
    rendezvous_port: int = Field(default=29500, ge=1024, le=65535, description="Of node 0, where the others meet it.")
    pod: dict[str, Any] = Field(default_factory=dict, description="A Kubernetes pod spec; its first container is ours.")

    @field_validator("pod")
    @classmethod
    def _ours_is_left_to_us(cls, pod: dict[str, Any]) -> dict[str, Any]:
        containers = pod.get("containers", [{}])
        if not isinstance(containers, list) or not containers or not all(isinstance(c, dict) for c in containers):
            raise ValueError("containers: expected a list of containers, the job's first")
        for key in ("command", "args"):
            if key in containers[0]:
                raise ValueError(f"containers[0].{key} is set by the job; use `python` for another interpreter")
        if pod.get("restartPolicy", "Never") != "Never":
            raise ValueError("restartPolicy must be Never: a job that failed is started anew by its asset")
        for variable in containers[0].get("env") or ():
            if isinstance(variable, dict) and variable.get("name") in OWN_VARIABLES:
                raise ValueError(f"containers[0].env: {variable['name']} is set by the job")
        return pod

    @model_validator(mode="after")
    def _gpus_are_asked_for_once(self) -> Self:
        resources = self.pod.get("containers", [{}])[0].get("resources") or {}
        for kind in ("limits", "requests"):
            given = (resources.get(kind) or {}).get(self.gpu_resource)
            if given is not None and str(given) != str(self.gpus_per_node):
                raise ValueError(
                    f"containers[0].resources.{kind} asks for {given} {self.gpu_resource}, gpus_per_node for"
                    f" {self.gpus_per_node}; set gpus_per_node alone"
                )
        return self


class PodProfiles(Section):
    """All of the profiles file: what every pod shares, and the profiles by name."""

    namespace: str = Field(default="default", pattern=DNS_LABEL)
    image: str = Field(min_length=1, pattern=r"^\S+$", description="Of the job's container, unless its pod names one.")
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = Field(default=(), description="Names of secrets.")
    python: tuple[str, ...] = Field(default=("python",), min_length=1, description="How the image starts Python.")
    service_account_name: str | None = None
    priority_class_name: str | None = None
    environment: dict[str, str] = Field(default_factory=dict, description="Plain values; secrets come by env_from.")
    env_from: tuple[dict[str, Any], ...] = Field(default=(), description="secretRef and configMapRef entries.")
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    volumes: tuple[dict[str, Any], ...] = Field(default=(), description="Of every pod, beside those of its profile.")
    volume_mounts: tuple[dict[str, Any], ...] = Field(default=(), description="Of every job's container.")
    profiles: dict[Profile, PodProfile]

    @field_validator("environment")
    @classmethod
    def _variables(cls, environment: dict[str, str]) -> dict[str, str]:
        for name in environment:
            if name in OWN_VARIABLES:
                raise ValueError(f"{name} is set by the job")
            if not name.isascii() or not name.replace("_", "a").isalnum() or name[:1].isdigit():
                raise ValueError(f"{name!r} is no name of an environment variable")
        return environment

    @field_validator("profiles")
    @classmethod
    def _every_profile(cls, profiles: dict[Profile, PodProfile]) -> dict[Profile, PodProfile]:
        if missing := [name for name in get_args(Profile) if name not in profiles]:
            raise ValueError(f"{', '.join(missing)} missing")
        return profiles

    @property
    def have_jobs(self) -> bool:
        """Whether any pods are made by Jobs."""
        return any(profile.nodes > 1 or profile.as_job for profile in self.profiles.values())

    @classmethod
    def load(cls, path: Path) -> PodProfiles:
        """The profiles of a YAML file.

        Raises:
            ProfilesError: it is missing, no YAML, or a key of it is wrong; the message names file and key.
        """
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ProfilesError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
        if not isinstance(raw, dict):
            raise ProfilesError(f"{path}: expected keys and values, such as `image: …` and `profiles: …`")
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise ProfilesError(f"{path}: " + "; ".join(faults)) from error

    @classmethod
    def from_environment(cls) -> PodProfiles:
        """The profiles of the file that `NEO_POD_PROFILES` names.

        Raises:
            ProfilesError: there is none, or it is wrong.
        """
        path = os.environ.get(VARIABLE)
        if not path:
            raise ProfilesError(f"NEO_COMPUTE=kubernetes needs {VARIABLE}: the path of a file of pod profiles")
        return cls.load(Path(path))
